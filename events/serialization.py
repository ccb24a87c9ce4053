"""Rows as text in the journal, and back."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic_core import to_json

from core.clock import naive_utc
from events.event_log import Page
from events.offsets import Stream
from events.records import Broken, Row

_TIMES = ("occurred_at", "received_at", "decided_at")


def as_text(instant: datetime) -> str:
    """ISO text of one width, so that text order is time order."""
    return instant.isoformat(timespec="microseconds")


def rows_to_text(rows: Iterable[Row]) -> str:
    """Some rows as one JSON array."""
    return to_json(list(rows)).decode()  # Rust: each answer that was given comes through here


def rows_from_text(text: str | bytes) -> list[Row]:
    """The rows of an entry. Raises ValueError if it holds something else, as another writer may have left it."""
    rows = json.loads(text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is not a JSON array of objects")
    for row in rows:
        for name in _TIMES:
            if row.get(name) is not None:
                if not isinstance(row[name], str):
                    raise ValueError(f"{name} is not a time in ISO form")
                row[name] = naive_utc(datetime.fromisoformat(row[name]))
    return rows


class Rows:
    """Takes in the entries of one stream: their rows, and those that are none."""

    def __init__(self, stream: Stream):
        self._stream = stream
        self.rows: list[Row] = []
        self.broken: list[Broken] = []

    def __len__(self) -> int:
        return len(self.rows) + len(self.broken)

    def add(self, entry: str | bytes | None) -> None:
        """Read one entry; what cannot be read is kept aside, so that the entries behind it are not lost."""
        try:
            if entry is None:
                raise ValueError("it is empty")
            self.rows += rows_from_text(entry)
        except (ValueError, OverflowError) as error:
            text = entry.decode(errors="replace") if isinstance(entry, bytes) else entry or ""
            self.broken.append(Broken(self._stream, text, f"The entry cannot be read: {error}."))


def page_of(found: Mapping[Stream, Rows], cursor: str) -> Page:
    """What was taken in, as a page that ends at the cursor."""
    events, decisions = found["events"], found["decisions"]
    return Page(events.rows, decisions.rows, cursor, [*events.broken, *decisions.broken])
