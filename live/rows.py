"""Rows as text in the journal, and back."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from live.records import Row

_TIMES = ("occurred_at", "received_at", "decided_at")


def as_text(instant: datetime) -> str:
    """ISO text of one width, so that text order is time order."""
    return instant.isoformat(timespec="microseconds")


def rows_to_text(rows: Iterable[Row]) -> str:
    """Some rows as one JSON array."""
    return json.dumps(list(rows), default=_plain, ensure_ascii=False, separators=(",", ":"))


def rows_from_text(text: str | bytes) -> list[Row]:
    rows: list[Row] = json.loads(text)
    for row in rows:
        for name in _TIMES:
            if name in row:
                row[name] = datetime.fromisoformat(row[name])
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return as_text(value)
    raise TypeError(f"{type(value).__name__} has no place in the journal")
