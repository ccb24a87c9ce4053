"""The release log: what was done to the champion, by whom and why. Lines are only ever added."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.atomic_files import append_line
from registry.errors import DamagedReleaseError

TORN = b" #torn"
"""Ends a line whose writer was killed in the middle: the next writer adds it, readers pass over it."""


Kind = Literal["deployed", "rolled_back", "withdrawn", "refused", "recovered"]


class Change(BaseModel):
    """One line of the log.

    change: what happened; a refusal leaves the champion as it was.
    generation: the pointer's generation afterwards; every change of champion adds one.
    version: the champion afterwards (None: none); for a refusal, the version that was refused.
    previous: the version that a rollback would now go to; None if there is none.
    changed_at: UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    change: Kind
    generation: int
    version: str | None
    previous: str | None
    changed_at: datetime
    reason: str
    by: str


class ReleaseLog:
    """`log.jsonl` in the release folder."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> list[Change]:
        """Every change, oldest first. A line that was never finished counts as never written."""
        if not self.path.exists():
            return []
        *lines, _unfinished = self.path.read_bytes().split(b"\n")
        changes = []
        for number, line in enumerate(lines, start=1):
            if line.endswith(TORN):
                continue
            try:
                changes.append(Change.model_validate_json(line))
            except ValidationError as error:
                raise DamagedReleaseError(
                    f"Line {number} of {self.path} cannot be read: {error.errors()[0]['msg']}. "
                    "Restore the file from a backup, or take the line out if it is not a release."
                ) from error
        return changes

    def append(self, change: Change) -> None:
        """Add a change; it counts once this returns."""
        content = self.path.read_bytes() if self.path.exists() else b""
        if content and not content.endswith(b"\n"):
            append_line(self.path, TORN)
        append_line(self.path, change.model_dump_json().encode())
