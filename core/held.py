"""Decides which purchase events are in the features already, so that none counts twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Held:
    """The purchase events that the features of a day hold; all instants are naive UTC.

    receipts_until: purchases before it are on receipts, whenever their event came. From then on no receipt had landed.
    events_from: from here on, on days that no receipt has reached, the features count the events themselves.
    collected_at: instant before which they had arrived.
    """

    receipts_until: datetime
    events_from: datetime
    collected_at: datetime

    def holds(self, occurred_at: datetime, received_at: datetime) -> bool:
        """Whether a purchase made before the features' day is in them."""
        return occurred_at < self.receipts_until or (
            occurred_at >= self.events_from and received_at < self.collected_at
        )

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Held | None":
        """From a JSON file; None if it has no time of collection.

        A file of an earlier version has only `collected_at`: what had arrived before was in the features.
        """
        if not fields.get("collected_at"):
            return None
        found = {name: datetime.fromisoformat(fields[name]) for name in cls.__annotations__ if fields.get(name)}
        return cls(**({"receipts_until": datetime.min, "events_from": datetime.min} | found))
