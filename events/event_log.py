"""Define what every event log does, whatever stores it."""

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.held import Held
from events.records import CustomerEvents, Decision, Event, MalformedEntry, Row

DEDUP_DAYS = 90
"""How long an `event_id` is known after it arrived, so that sending it again changes nothing."""


@dataclass(frozen=True)
class LogBatch:
    """Rows of the log after a position, oldest first, in the columns of landing's tables of the same names.

    At the end of the log all lists are empty.

    Attributes:
        position: Where the batch ends; the next batch is read from here.
        malformed: Entries that could not be read as rows.
    """

    events: Sequence[Row]
    decisions: Sequence[Row]
    position: str
    malformed: Sequence[MalformedEntry] = ()
    exposures: Sequence[Row] = ()


class RecentEvents(Protocol):
    """Each customer's recent events, shared by all processes of an installation.

    These are the purchases that no feature table contains yet. Of each other type that changes lists, they are the
    newest event about each of the newest products (core/event_types.toml).

    Safe to use from several threads. Every call may raise EventLogUnavailableError.
    """

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        """Store a batch, whole or not at all; the future's result is for each event whether it is new.

        Once the future is done, the events survive the death of this process, and `of_customer` returns them
        in every process.
        """
        ...

    def of_customer(self, customer_id: str) -> CustomerEvents:
        """Return the customer's recent events, in no particular order."""
        ...

    def evict_materialized(self, as_of: datetime, held: Held) -> int:
        """Delete purchases made before `as_of` that the feature tables contain according to `held`.

        Other events are deleted if they changed no list any more at `as_of`.

        Returns:
            How many events were deleted.
        """
        ...

    def erase(self, customer_ids: Collection[str]) -> int:
        """Delete the recent events of customers; return how many. Entries for `read_from` stay until collected."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...


class EventLog(RecentEvents, Protocol):
    """Everything that customers did and were shown; can be read from any position onward."""

    def append_decisions(self, decisions: Sequence[Decision]) -> None:
        """Store decisions; they reach the disk soon, but not necessarily before this returns."""
        ...

    def read_from(self, position: str | None, limit: int = 1000) -> LogBatch:
        """Return about `limit` rows after the position; None is the beginning.

        No acknowledged row is ever skipped. A row may, rarely, come twice: count by `event_id`, and by `request_id`
        and `position` in the list.

        Raises:
            OffsetError: If the position is of another kind of event log.
        """
        ...

    def truncate_before(self, position: str) -> int:
        """Delete the entries before a position, because they are stored elsewhere; recent events stay.

        Returns:
            How many entries were deleted.
        """
        ...
