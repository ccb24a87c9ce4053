"""Steps outside Airflow: stand-in commands in a folder of their own, and their log."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Airflow writes its configuration when it is imported: not to the home of the user who runs the tests.
AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME.name

import pytest  # noqa: E402

from orchestration.operators import CommandOperator  # noqa: E402


class Log(list[str]):
    """Keeps every line; `react` is called with each one at once."""

    def __init__(self) -> None:
        super().__init__()
        self.react: Callable[[str], None] = lambda line: None

    def info(self, template: str, *values: Any) -> None:
        self.append(template % values)
        self.react(self[-1])

    def warning(self, *_: Any) -> None:
        """Airflow warns that an operator is run outside its task runner: that is what these tests do."""


class StepRunner:
    """Runs a step whose command is the given Python source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log()
        self.events: dict[Any, SimpleNamespace] = {}

    def step(self, source: str, *arguments: str, **options: Any) -> CommandOperator:
        (self.folder / "standin_command.py").write_text(source)
        log = self.log

        class LoggedOperator(CommandOperator):
            @property
            def log(self) -> Any:
                return log

        step = LoggedOperator(task_id="stand_in", arguments=["standin_command", *arguments], **options)
        self.events = {outlet: SimpleNamespace(extra=None) for outlet in step.outlets}
        return step

    @property
    def context(self) -> Any:
        task = SimpleNamespace(dag_id="a_dag", task_id="stand_in", map_index=-1)
        return {"ti": task, "outlet_events": self.events}

    def run(self, source: str, *arguments: str, **options: Any) -> Any:
        return self.step(source, *arguments, **options).execute(self.context)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StepRunner:
    modules = tmp_path / "modules"
    modules.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    return StepRunner(modules)
