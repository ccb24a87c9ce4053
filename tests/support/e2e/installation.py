"""An installation of Reach in a folder of its own: a copy of the code, a data directory, two free ports."""

import os
import re
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import httpx

from local.airflow.api import AirflowApi
from local.airflow.stack import USER, Airflow
from local.processes import Programs
from settings import Settings
from tests.support.copied_code import copy_code

AS_OF = date(2018, 1, 1)
# Few points in time: the tests are about the way, not about the model.
SNAPSHOTS = 10

# A gate that lets any model through: on two hundred customers nothing can be shown to be better.
LENIENT_GATE = """
primary = "explore Recall@100"
confidence = 0.000001
min_customers = 1
plausibility_ceiling = 1000

[non_inferiority_margins]

[must_beat]

[slices]
confidence = 0.95
scores = []
baselines = []

[coverage]
score = "explore coverage@10"
minimum = 1

[max_calibration_error]

[serving]
min_list_agreement = 0.99
min_feature_agreement = 1.0
max_median_cpu_ms = 10000
max_cpu_ratio = 100
max_model_mb = 1000
"""


def copy_of_the_code(folder: Path) -> Path:
    """The project's code with the lenient gate, and the quick configuration with two rankers that compete."""
    copy_code(folder)
    (folder / "ml" / "gate" / "gate.toml").write_text(LENIENT_GATE)
    quick = folder / "ml" / "quick.toml"
    text = quick.read_text()
    changed = re.sub(r"(?m)^rankers = .*$", 'rankers = ["wide_and_deep", "dcn"]', text)
    assert changed != text
    quick.write_text(changed)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Installation:
    """Commands of one installation, and questions to it."""

    def __init__(self, code: Path, data: Path, landing: Path) -> None:
        self.code = code
        self.settings = Settings(
            data=data,
            landing=landing,
            snapshots=SNAPSHOTS,
            airflow_port=free_port(),
            service_port=free_port(),
            console_port=free_port(),
        )
        self.programs = Programs(data)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REACH_", "AIRFLOW"))},
            "REACH_DATA": str(data),
            "REACH_LANDING": str(landing),
            "REACH_SNAPSHOTS": str(SNAPSHOTS),
            "REACH_MODELS_CONFIG": str(code / "ml" / "quick.toml"),
            "REACH_AIRFLOW_PORT": str(self.settings.airflow_port),
            "REACH_SERVICE_PORT": str(self.settings.service_port),
            "REACH_CONSOLE_PORT": str(self.settings.console_port),
            # A dead scheduler is noticed soon: the test need not wait as long as an operator would.
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self.code,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """Run `python -m …` to its good end; returns what it printed."""
        process = self.start(*arguments)
        printed = []
        assert process.stdout is not None
        for line in process.stdout:
            # At once, so that pytest shows it if the test ends before the command.
            print(line, end="")
            printed.append(line)
        assert process.wait() == 0, f"{' '.join(arguments)} ended with {process.returncode}"
        return "".join(printed)

    def dbt_build(self, variables: str) -> "subprocess.Popen[str]":
        """Start `dbt build` as a person would."""
        paths = self.settings.paths
        for folder in (paths.warehouse.parent, paths.staged_features):
            folder.mkdir(parents=True, exist_ok=True)
        places = ["--project-dir", "dbt", "--profiles-dir", "dbt"]
        places += ["--target-path", str(paths.dbt_target), "--log-path", str(paths.dbt_target)]
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("dbt")), "build", *places, "--vars", variables],
            cwd=self.code,
            env={**self.environment, "DO_NOT_TRACK": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def published(self) -> str:
        """The name of the published features: the day and a hash of their content."""
        return self.settings.paths.features.resolve().name

    @property
    def api(self) -> AirflowApi:
        airflow = Airflow(self.settings, self.programs)
        return AirflowApi(airflow.url, USER, airflow.password)

    def report(self, *events: dict[str, Any]) -> httpx.Response:
        """Send events to the service."""
        url = f"http://127.0.0.1:{self.settings.service_port}/events"
        return httpx.post(url, json={"events": events}, timeout=30)

    def facts(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with duckdb.connect(str(self.settings.paths.warehouse), read_only=True) as warehouse:
            return warehouse.execute(query).fetchall()

    def ask(self, **body: Any) -> httpx.Response:
        url = f"http://127.0.0.1:{self.settings.service_port}/recommend"
        return httpx.post(url, json=body, timeout=30)
