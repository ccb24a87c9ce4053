"""A publication: one folder of feature tables that never change, and the link that names the current one.

<data>/features/staged/                    what dbt wrote last: the checks and the warehouse's views read it
<data>/features/2018-01-01-3f2a9c0b1d4e/   a publication: the tables, as hard links, and publication.json
<data>/features/current -> 2018-01-01-…    moved in one atomic step
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from core.files.atomic import replace_file
from core.files.publication import RECORD, linked, newest_first, read_fields
from core.held import Held
from features.errors import NotPublishedError


@dataclass(frozen=True)
class Publication:
    """The record of one folder of feature tables.

    name: the folder's name: the day and the first 12 hex digits of `content`.
    as_of: the day before which everything in it was known; as_of_instant: the UTC instant that day starts.
    content: a hash of the rows, whatever their order and however the files were written.
    rows: rows of each table.
    published_at: when it was last published (UTC); the newest of several publications of a day counts.
    held: the purchases that it held when it was first made; None if unknown.
    """

    name: str
    as_of: date
    as_of_instant: datetime
    content: str
    rows: dict[str, int]
    published_at: datetime
    held: Held | None = None


def write_record(folder: Path, publication: Publication) -> None:
    """Write the record next to the tables; a crash leaves either none or a whole one."""
    replace_file(folder / RECORD, json.dumps(asdict(publication), default=_as_text, indent=2) + "\n")


def read_record(folder: Path) -> Publication | None:
    """Return the record of a folder, or None if it is not a publication."""
    if (fields := read_fields(folder)) is None:
        return None
    return Publication(
        name=fields["name"],
        as_of=date.fromisoformat(fields["as_of"]),
        as_of_instant=datetime.fromisoformat(fields["as_of_instant"]),
        content=fields["content"],
        rows=fields["rows"],
        published_at=datetime.fromisoformat(fields["published_at"]),
        held=Held.from_fields(fields.get("held") or fields),
    )


def publications(features: Path) -> list[Publication]:
    """Return all publications in the features folder, newest first."""
    return newest_first(features, read_record)


def current_publication(link: Path) -> Publication:
    """Return the publication that the link names.

    Raises:
        NotPublishedError: Nothing is published.
    """
    publication = linked(link, read_record)
    if publication is None:
        raise NotPublishedError(f"No feature tables are published at {link}. Run 'make features' first.")
    return publication


def _as_text(value: object) -> str:
    if isinstance(value, date):  # a datetime is a date as well
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written to {RECORD}")
