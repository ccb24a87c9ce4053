"""Keep the release log of a product: every change of its champion with author and reason. Lines are only added."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from core.files.atomic import append_line
from products import DEFAULT_PRODUCT
from registry.errors import DamagedRegistryError

LOG = "log.jsonl"
ALIAS = "champion.json"

TRUNCATED_MARK = b" #torn"
"""Ends a line whose writer was killed in the middle. The next writer adds it, and readers skip the line."""

_FORMER_KINDS = {"withdrawn": "champion_unset", "refused": "rejected"}
"""Former names of the kinds of change, as older logs contain them."""

Kind = Annotated[
    Literal["deployed", "rolled_back", "champion_unset", "rejected", "recovered"],
    BeforeValidator(lambda kind: _FORMER_KINDS.get(kind, kind)),
]


class Change(BaseModel):
    """One line of the log.

    Attributes:
        change: what happened. A rejection does not change the champion.
        generation: the alias' generation afterwards. Every change of champion adds one.
        version: the champion afterwards (None: none); for a rejection, the version that was rejected.
        previous: the version that a rollback would go to now; None if there is none.
        changed_at: naive UTC.
        reason: why, in a sentence.
        by: who did it.
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
    """The file `<data>/release/<product>/log.jsonl`."""

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def of_product(cls, release: Path, product: str = DEFAULT_PRODUCT) -> "ReleaseLog":
        """Return the log of a product for reading, wherever it is at present.

        Args:
            release: the folder of all products' releases, `Paths.release`.
            product: the product's name.
        """
        return cls(readable_file(release, product, LOG))

    def read(self) -> list[Change]:
        """Return every change, oldest first. A line that was never finished counts as never written."""
        if not self.path.exists():
            return []
        *lines, _unfinished = self.path.read_bytes().split(b"\n")
        changes = []
        for number, line in enumerate(lines, start=1):
            if line.endswith(TRUNCATED_MARK):
                continue
            try:
                changes.append(Change.model_validate_json(line))
            except ValidationError as error:
                raise DamagedRegistryError(
                    f"Line {number} of {self.path} cannot be read: {error.errors()[0]['msg']}. "
                    "Restore the file from a backup, or remove the line if it is not a release."
                ) from error
        return changes

    def append(self, change: Change) -> None:
        """Add a change. It counts once this returns."""
        content = self.path.read_bytes() if self.path.exists() else b""
        if content and not content.endswith(b"\n"):
            append_line(self.path, TRUNCATED_MARK)
        append_line(self.path, change.model_dump_json().encode())


def former_file(release: Path, product: str, name: str) -> Path | None:
    """Return where a file of a product was before products had folders; None for a product that is newer than that."""
    return release / name if product == DEFAULT_PRODUCT else None


def readable_file(release: Path, product: str, name: str) -> Path:
    """Return the present path of a product's file, or the former one until the next writer has moved it there."""
    present, former = release / product / name, former_file(release, product, name)
    return former if former is not None and not present.exists() and former.exists() else present
