"""Published folders side by side, and the link that names the current one; each folder holds a record of itself."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

RECORD = "publication.json"


class Publication(Protocol):
    """Describe the fields of every record."""

    @property
    def name(self) -> str:
        """The name of its folder."""

    @property
    def published_at(self) -> datetime:
        """When it was published (naive UTC)."""


Record = TypeVar("Record", bound=Publication)


def read_fields(folder: Path) -> dict[str, Any] | None:
    """Return the fields of a folder's record, or None if it is not a publication."""
    try:
        fields: dict[str, Any] = json.loads((folder / RECORD).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return fields


def newest_first(root: Path, read_record: Callable[[Path], Record | None]) -> list[Record]:
    """Return the records of all publications below a folder; links and hidden folders are none."""
    if not root.is_dir():
        return []
    found = [
        record
        for folder in root.iterdir()
        if folder.is_dir() and not folder.is_symlink() and not folder.name.startswith(".")
        if (record := read_record(folder)) is not None and record.name == folder.name
    ]
    return sorted(found, key=lambda record: record.published_at, reverse=True)


def linked(link: Path, read_record: Callable[[Path], Record | None]) -> Record | None:
    """Return the record of the publication that the link names, or None."""
    return read_record(link.resolve()) if link.is_symlink() else None
