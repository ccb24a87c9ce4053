"""Read and publish the parts of a training run's folder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.files.atomic import move_link, remove_leftovers, replace_file, staged_folder
from ml.errors import RunError
from ml.runs.artifacts import NOT_ENOUGH_DATA


class Run:
    """Manage `<data>/runs/<run_id>/`; `<data>/runs/latest` links to the newest run that was evaluated.

    Every step reads the parts that earlier steps published, and publishes its own part as a whole.
    """

    def __init__(self, runs: Path, run_id: str):
        if not run_id or Path(run_id).name != run_id or run_id.startswith("."):
            raise RunError(f"'{run_id}' cannot name a run: use letters, digits, '-' and '_'.")
        self.run_id = run_id
        self.folder = runs / run_id
        self._latest = runs / "latest"

    def path(self, name: str, made_by: str | None = None) -> Path:
        """Return a finished part of the run.

        Args:
            name: Name of the part.
            made_by: The step that makes the part, for parts that retention deletes (ml/runs/retention.toml).

        Raises:
            RunError: The part does not exist; the message names the next step.
        """
        path = self.folder / name
        if path.exists():
            return path
        reason = self.folder / NOT_ENOUGH_DATA
        if reason.exists():
            because = json.loads(reason.read_text())["because"]
            raise RunError(f"Run '{self.run_id}' has no {name}, because it trained or evaluated nothing. {because}")
        if made_by is None:
            raise RunError(
                f"Run '{self.run_id}' has no {name}. Run the step that makes it first (.venv/bin/python -m ml --help)."
            )
        raise RunError(
            f"Run '{self.run_id}' has no {name}: not made yet, or deleted after the run to free the disk. "
            f"'.venv/bin/python -m ml {made_by} --run-id {self.run_id}' makes it."
        )

    @contextmanager
    def publish_folder(self, name: str) -> Iterator[Path]:
        """Yield a private folder that becomes the part `name` if the block succeeds, and is deleted otherwise."""
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
        """Return the content of a JSON part; RunError if it does not exist."""
        return json.loads(self.path(name).read_text())

    def link(self, name: str, target: str) -> None:
        """Link a second name to the part `target`, in one step."""
        move_link(self.folder / name, Path(target))

    def make_latest(self) -> None:
        """Link `latest` to this run, in one step."""
        move_link(self._latest, Path(self.run_id))
