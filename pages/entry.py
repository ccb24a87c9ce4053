"""One row of a page: a thing the run made, or the reason why it is missing."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A row of the page.

    Args:
        title: what the thing is.
        target: the file or folder to link to; None if there is nothing to open.
        text: what a reader learns without opening it.
        lines: further sentences, one per line.
        missing: why there is nothing; empty if there is.
        is_bad: whether the row should catch the eye.
    """

    title: str
    target: Path | None = None
    text: str = ""
    lines: tuple[str, ...] = field(default=())
    missing: str = ""
    is_bad: bool = False


def file_entry(title: str, target: Path, text: str, missing: str) -> Entry:
    """Return a row that links to the file, or gives the reason if it does not exist."""
    if target.exists():
        return Entry(title, target, text)
    return Entry(title, missing=missing)
