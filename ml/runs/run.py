"""A training run's folder: every step reads what earlier steps left there and publishes its own part whole."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.atomic_files import move_link, remove_leftovers, replace_file, staged_folder
from ml.errors import RunError
from ml.runs.artifacts import NOT_ENOUGH_DATA


class Run:
    """`<data>/runs/<run_id>/`; `<data>/runs/latest` links to the newest run that was evaluated."""

    def __init__(self, runs: Path, run_id: str):
        if not run_id or Path(run_id).name != run_id or run_id.startswith("."):
            raise RunError(f"'{run_id}' cannot name a run: use letters, digits, '-' and '_'.")
        self.run_id = run_id
        self.folder = runs / run_id
        self._latest = runs / "latest"

    def path(self, name: str, made_by: str | None = None) -> Path:
        """Return a finished part of the run.

        made_by: the step that makes a part which is deleted some time after the run (ml/runs/retention.toml).
        Raises RunError, with the next step, if the part is not there.
        """
        path = self.folder / name
        if path.exists():
            return path
        reason = self.folder / NOT_ENOUGH_DATA
        if reason.exists():
            because = json.loads(reason.read_text())["because"]
            raise RunError(f"Run '{self.run_id}' has no {name}, because it trained or judged nothing. {because}")
        if made_by is None:
            raise RunError(
                f"Run '{self.run_id}' has no {name}. Run the step that makes it first (.venv/bin/python -m ml --help)."
            )
        raise RunError(
            f"Run '{self.run_id}' has no {name}: it was not made yet, or deleted after the run to free the disk. "
            f"'.venv/bin/python -m ml {made_by} --run-id {self.run_id}' makes it."
        )

    @contextmanager
    def publish_folder(self, name: str) -> Iterator[Path]:
        """A private folder that becomes the part `name` when the block ends well, and vanishes otherwise."""
        remove_leftovers(self.folder, name)
        with staged_folder(self.folder / name) as staged:
            yield staged

    def write_json(self, name: str, value: Any) -> None:
        """Publish a small JSON file in one step."""
        self.write_text(name, json.dumps(value, indent=2, default=str) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Publish a text file in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_file(self.folder / name, text)

    def read_json(self, name: str) -> Any:
        return json.loads(self.path(name).read_text())

    def link(self, name: str, target: str) -> None:
        """Offer the part `target` under a second name, in one step."""
        move_link(self.folder / name, Path(target))

    def make_latest(self) -> None:
        """Let `latest` point here, in one step."""
        move_link(self._latest, Path(self.run_id))
