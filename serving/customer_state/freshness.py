"""Whether a customer's features are too old for the bundle. Feast's TTL is not enforced on online reads."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

EVENT_TIMESTAMP = "event_timestamp"
"""When the features became true, UTC; the reader puts it beside them."""


def is_stale(features: Mapping[str, Any], as_of: date, days: int) -> bool:
    """Whether the features are older than the bundle's `as_of` by more than `days`. Undated ones are not."""
    known_at = features.get(EVENT_TIMESTAMP)
    if not isinstance(known_at, datetime):
        return False
    return known_at.date() < as_of - timedelta(days=days)
