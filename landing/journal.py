"""What this room asks of the service's journal; the journal itself belongs to the service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Page:
    """Entries in the order in which they were accepted; `cursor` stands behind the last of them.

    Rows have the columns of the contract's tables `events` and `decisions`, absent ones being unknown; times
    are naive UTC.
    """

    events: Sequence[dict[str, Any]]
    decisions: Sequence[dict[str, Any]]
    cursor: str


class Journal(Protocol):
    """An append-only log that can be read again from any place in it."""

    def read_after(self, cursor: str | None, limit: int) -> Page:
        """About `limit` entries after the cursor, oldest first; None is the beginning, no entries are the end."""
