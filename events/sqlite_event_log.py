"""Store events and decisions in two SQLite files, which all processes of one machine share.

events.db     events, ids that arrived, and each customer's recent events; on the disk before a call returns
decisions.db  a separate file, so that the many decisions never delay an event
"""

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from core.clock import utc_now
from core.event_types import event_types
from core.files.lock import exclusive_lock
from core.held import Held
from events.errors import EventLogUnavailableError, OffsetError
from events.event_log import DEDUP_DAYS, LogBatch
from events.group_commit import GroupCommit
from events.offsets import STREAMS, Stream, decode, encode
from events.records import CustomerEvents, Decision, Event, Interaction, Purchase, interaction_of, purchase_of
from events.serialization import StreamRows, as_text, batch_of, rows_to_text

KIND = "sqlite"

_TABLES = {
    "events": """
        CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY, received_at TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS purchases (
            customer_id TEXT, event_id TEXT, product_id TEXT, occurred_at TEXT, received_at TEXT,
            quantity REAL, price REAL, PRIMARY KEY (customer_id, event_id)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS interactions (
            customer_id TEXT, event_type TEXT, product_id TEXT, event_id TEXT, occurred_at TEXT, rating REAL,
            PRIMARY KEY (customer_id, event_type, product_id)
        ) WITHOUT ROWID;
    """,
    "decisions": "CREATE TABLE IF NOT EXISTS decisions (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL)",
}
# The newest event about a product stays, whatever their order of arrival.
_NEWEST = """
    INSERT INTO interactions VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET event_id = excluded.event_id, occurred_at = excluded.occurred_at, rating = excluded.rating
    WHERE (excluded.occurred_at, excluded.event_id) > (interactions.occurred_at, interactions.event_id)
"""
_OLDEST = """
    DELETE FROM interactions WHERE customer_id = ?1 AND event_type = ?2 AND product_id IN (
        SELECT product_id FROM interactions WHERE customer_id = ?1 AND event_type = ?2
        ORDER BY occurred_at DESC, event_id DESC LIMIT -1 OFFSET ?3
    )
"""
# FULL: an acknowledged event survives a power cut. A lost second of decisions does no harm.
_SYNCHRONOUS = {"events": "FULL", "decisions": "NORMAL"}


class SqliteEventLog:
    """An event log in SQLite; an entry is a JSON array of the rows of one event or of one answer.

    An answer has a row for each of its products and experiments.

    Args:
        folder: Where the two files are; created on first use.
        timeout_s: How long a call waits for other writers.
        stores_events: Whether events are stored for `read_from`; False if they are in Kafka.
    """

    def __init__(self, folder: Path, timeout_s: float, stores_events: bool = True):
        self._folder = folder
        self._timeout = timeout_s
        self._stores_events = stores_events
        self._opening = threading.Lock()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._group = GroupCommit(self._write)

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        """Store a batch; see `EventLog.append`."""
        return self._group.append(events)

    def append_decisions(self, decisions: Sequence[Decision]) -> None:
        """Store decisions; see `EventLog.append_decisions`."""
        entries = [(rows_to_text(decision.rows()),) for decision in decisions]
        with self._transaction("decisions") as connection:
            connection.executemany("INSERT INTO decisions (entry) VALUES (?)", entries)

    def of_customer(self, customer_id: str) -> CustomerEvents:
        """Return the customer's recent events."""
        with self._errors():
            connection = self._open("events")
            bought = connection.execute(
                "SELECT event_id, product_id, occurred_at, received_at, quantity, price FROM purchases "
                "WHERE customer_id = ?",
                (customer_id,),
            )
            purchases = [
                Purchase(
                    event_id, product_id, datetime.fromisoformat(occurred), datetime.fromisoformat(received), *rest
                )
                for event_id, product_id, occurred, received, *rest in bought
            ]
            found = connection.execute(
                "SELECT event_id, event_type, product_id, occurred_at, rating FROM interactions WHERE customer_id = ?",
                (customer_id,),
            )
            interactions = [
                Interaction(event_id, event_type, product_id, datetime.fromisoformat(occurred), rating)
                for event_id, event_type, product_id, occurred, rating in found
            ]
        return CustomerEvents(purchases, interactions)

    def evict_materialized(self, as_of: datetime, held: Held) -> int:
        """Delete recent events that lists need no more; return how many."""
        with self._transaction("events") as connection:
            deleted = 0
            for name, declared in event_types().types.items():
                ended = (name, as_text(as_of - timedelta(days=declared.days)))
                query = "DELETE FROM interactions WHERE event_type = ? AND occurred_at < ?"
                deleted += connection.execute(query, ended).rowcount
            long_ago = as_text(utc_now() - timedelta(days=DEDUP_DAYS))
            connection.execute("DELETE FROM seen WHERE received_at < ?", (long_ago,))
            query = (  # Held.holds() as SQL
                "DELETE FROM purchases WHERE occurred_at < ? "
                "AND (occurred_at < ? OR (occurred_at >= ? AND received_at < ?))"
            )
            instants = (as_of, held.receipts_until, held.events_from, held.collected_at)
            return deleted + connection.execute(query, [as_text(instant) for instant in instants]).rowcount

    def erase(self, customer_ids: Collection[str]) -> int:
        """Delete the recent events of customers; return how many."""
        with self._transaction("events") as connection:
            ids = [(customer_id,) for customer_id in customer_ids]
            return sum(
                connection.executemany(f"DELETE FROM {table} WHERE customer_id = ?", ids).rowcount
                for table in ("purchases", "interactions")
            )

    def read_from(self, position: str | None, limit: int = 1000) -> LogBatch:
        """Return about `limit` rows after the position; see `EventLog.read_from`."""
        offsets = _numbers(position)
        found = {stream: StreamRows(stream) for stream in STREAMS}
        for stream in STREAMS:
            query = f"SELECT number, entry FROM {stream} WHERE number > ? ORDER BY number LIMIT ?"
            with self._errors():
                for number, entry in self._open(stream).execute(query, (offsets[stream], limit)):
                    found[stream].add(entry)
                    offsets[stream] = number
                    if len(found[stream]) >= limit:
                        break
        return batch_of(found, encode(KIND, {name: str(n) for name, n in offsets.items()}))

    def truncate_before(self, position: str) -> int:
        """Delete the entries before a position; return how many."""
        deleted = 0
        for stream, number in _numbers(position).items():
            with self._transaction(stream) as connection:
                deleted += connection.execute(f"DELETE FROM {stream} WHERE number <= ?", (number,)).rowcount
        return deleted

    def close(self) -> None:
        """Write what waits, then release files and connections."""
        self._group.close()
        with self._opening:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()

    def _write(self, batches: Sequence[Sequence[Event]]) -> list[list[bool]]:
        """Write all waiting batches in one transaction, so that they share one wait for the disk."""
        with self._transaction("events") as connection:
            received_at = utc_now()  # under the lock: a writer with an earlier time never writes later
            return [[self._insert(connection, event, received_at) for event in batch] for batch in batches]

    def _insert(self, connection: sqlite3.Connection, event: Event, received_at: datetime) -> bool:
        seen = (event.event_id, as_text(received_at))
        if connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", seen).rowcount == 0:
            return False
        if self._stores_events:
            entry = rows_to_text([event.row(received_at)])
            connection.execute("INSERT INTO events (entry) VALUES (?)", (entry,))
        bought, did = purchase_of(event, received_at), interaction_of(event)
        if bought is not None:
            times = (as_text(bought.occurred_at), as_text(bought.received_at))
            connection.execute(
                "INSERT OR IGNORE INTO purchases VALUES (?, ?, ?, ?, ?, ?, ?)",
                (event.customer_id, bought.event_id, bought.product_id, *times, bought.quantity, bought.price),
            )
        if did is not None:
            of_type = (event.customer_id, did.event_type)
            values = (*of_type, did.product_id, did.event_id, as_text(did.occurred_at), did.rating)
            connection.execute(_NEWEST, values)
            connection.execute(_OLDEST, (*of_type, event_types().recent.products))
        return True

    @contextmanager
    def _transaction(self, stream: Stream) -> Iterator[sqlite3.Connection]:
        with self._errors():
            connection = self._open(stream)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def _open(self, stream: Stream) -> sqlite3.Connection:
        """Return this thread's connection to the file."""
        connection: sqlite3.Connection | None = getattr(self._local, stream, None)
        if connection is not None:
            return connection
        # Two processes that switch a new file to WAL at the same time would lock each other out.
        with self._opening, exclusive_lock(self._folder):
            connection = sqlite3.connect(
                self._folder / f"{stream}.db", timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
            self._connections.append(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[stream]}")
            connection.executescript(_TABLES[stream])
        setattr(self._local, stream, connection)
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise EventLogUnavailableError(f"The event log in {self._folder} cannot be used: {error}.") from error


def _numbers(position: str | None) -> dict[Stream, int]:
    offsets = decode(KIND, position)
    try:
        return {stream: int(offsets.get(stream, 0)) for stream in STREAMS}
    except ValueError as error:
        raise OffsetError(f"{position!r} is not a position in an event log in {KIND}.") from error
