"""Convert rows to the text that event logs store, and back."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic_core import to_json

from core.clock import naive_utc
from events.event_log import LogBatch
from events.offsets import Stream
from events.records import MalformedEntry, Row, is_exposure

_TIMES = ("occurred_at", "received_at", "decided_at")


def as_text(instant: datetime) -> str:
    """Return an instant as ISO text of constant width, so that text order is time order."""
    return instant.isoformat(timespec="microseconds")


def rows_to_text(rows: Iterable[Row]) -> str:
    """Return rows as one JSON array."""
    return to_json(list(rows)).decode()  # written in Rust: every answer comes through here


def rows_from_text(text: str | bytes) -> list[Row]:
    """Return the rows of an entry.

    Raises:
        ValueError: If the entry is something else, because another program wrote it.
    """
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


class StreamRows:
    """Collects the rows of one stream's entries, and the entries that cannot be read."""

    def __init__(self, stream: Stream):
        self._stream = stream
        self.rows: list[Row] = []
        self.malformed: list[MalformedEntry] = []

    def __len__(self) -> int:
        return len(self.rows) + len(self.malformed)

    def add(self, entry: str | bytes | None) -> None:
        """Read one entry; one that cannot be read is set aside, so that the entries after it are not lost."""
        try:
            if entry is None:
                raise ValueError("it is empty")
            self.rows += rows_from_text(entry)
        except (ValueError, OverflowError) as error:
            text = entry.decode(errors="replace") if isinstance(entry, bytes) else entry or ""
            self.malformed.append(MalformedEntry(self._stream, text, f"The entry cannot be read: {error}."))


def batch_of(found: Mapping[Stream, StreamRows], position: str) -> LogBatch:
    """Return what was read as a batch that ends at the position."""
    events, decisions = found["events"], found["decisions"]
    shown = [row for row in decisions.rows if not is_exposure(row)]
    exposures = [row for row in decisions.rows if is_exposure(row)]
    return LogBatch(events.rows, shown, position, [*events.malformed, *decisions.malformed], exposures)
