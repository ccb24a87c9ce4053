"""Rows as text in the journal, and back."""

import json
from collections.abc import Iterable
from datetime import datetime

from pydantic_core import to_json

from live.records import Row

_TIMES = ("occurred_at", "received_at", "decided_at")


def as_text(instant: datetime) -> str:
    """ISO text of one width, so that text order is time order."""
    return instant.isoformat(timespec="microseconds")


def rows_to_text(rows: Iterable[Row]) -> str:
    """Some rows as one JSON array."""
    return to_json(list(rows)).decode()  # Rust: each answer that was given comes through here


def rows_from_text(text: str | bytes) -> list[Row]:
    rows: list[Row] = json.loads(text)
    for row in rows:
        for name in _TIMES:
            if name in row:
                row[name] = datetime.fromisoformat(row[name])
    return rows
