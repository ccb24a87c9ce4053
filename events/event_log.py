"""The journal's contract, and which journal an installation has."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.held import Held
from events.records import Broken, Decision, Event, Purchase, Row
from settings import Settings

SEEN_DAYS = 90
"""So long an `event_id` is remembered after it arrived."""


@dataclass(frozen=True)
class Page:
    """Rows after a cursor, oldest first, in the columns of landing's tables `events` and `decisions`.

    cursor: stands behind the last of them. broken: entries that are not rows. All three are empty at the end.
    """

    events: Sequence[Row]
    decisions: Sequence[Row]
    cursor: str
    broken: Sequence[Broken] = ()


class Recent(Protocol):
    """Each customer's purchases that no feature table holds yet, shared by all processes of an installation.

    Safe to use from several threads. Every call may raise JournalUnavailableError.
    """

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        """Keep a batch, whole or not at all; the future's result says of each event whether it is new.

        When it is done, the events survive the death of this process, and `of_customer` gives their purchases in
        every process.
        """
        ...

    def of_customer(self, customer_id: str) -> list[Purchase]:
        """The customer's purchases, in no particular order."""
        ...

    def forget_contained(self, as_of: datetime, held: Held) -> int:
        """Forget purchases that feature tables hold: those made before `as_of` of which `held` says so.

        Returns how many were forgotten.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Journal(Recent, Protocol):
    """All that customers did and were shown, to be read on from any place in it."""

    def append_decisions(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions; they reach the disk soon, not necessarily before this returns."""
        ...

    def read_after(self, cursor: str | None, limit: int = 1000) -> Page:
        """About `limit` rows after the cursor; None is the beginning.

        Nothing that was acknowledged is ever skipped. A row may, rarely, come twice: count by `event_id`, and by
        `request_id` and `position`.

        Raises CursorError for a cursor of another kind of journal.
        """
        ...

    def forget_collected(self, cursor: str) -> int:
        """Forget what lies before a cursor and is safe elsewhere; recent purchases stay. Returns how many entries."""
        ...


def open_journal(settings: Settings, timeout_seconds: float = 5.0) -> Journal:
    """The installation's journal: SQLite or Redis as the online store is, or Kafka if the settings name one.

    timeout_seconds: how long a call waits for Redis, or for other writers of the file.
    """
    if settings.events_kafka is not None:
        from events.kafka_event_log import KafkaJournal

        return KafkaJournal(settings.events_kafka, open_recent(settings, timeout_seconds))
    return _stored(settings, timeout_seconds)


def open_recent(settings: Settings, timeout_seconds: float = 5.0) -> Recent:
    """Only the recent purchases: beside the online store, also if the journal is Kafka."""
    return _stored(settings, timeout_seconds)


def _stored(settings: Settings, timeout_seconds: float) -> Journal:
    has_log = settings.events_kafka is None
    if settings.online_store == "redis":
        from events.redis_event_log import RedisJournal

        return RedisJournal(settings, timeout_seconds, has_log)
    from events.sqlite_event_log import SqliteJournal

    return SqliteJournal(settings.paths.live, timeout_seconds, has_log)
