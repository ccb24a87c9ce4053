"""Open the store: SQLite on this machine, or PostgreSQL for several; the same tables in both.

SQLite runs with a write-ahead log and `synchronous=FULL`: a commit that has returned survives a power cut. A
transaction that writes begins with the write lock, so what it reads cannot change before it commits. PostgreSQL gets
the same by an advisory lock per kind of transaction.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from outbox.errors import StoreBusyError, StoreError, StoreVersionError
from outbox.tables import SCHEMA_VERSION, metadata, plans, schema_version
from settings import Settings

BUSY_SECONDS = 120
"""How long a transaction waits for another writer; every transaction of the outbox is far shorter."""

SQLITE_FILE = "outbox.db"
"""The store's file in the outbox's folder, unless REACH_OUTBOX_URL names a database."""

_ENGINE: dict[str, Any] = {
    # Parameters are personal data, and errors reach logs.
    "hide_parameters": True,
    # One connection per thread of a sender: with a limit, threads that wait for a lock starve the one that holds it.
    "max_overflow": -1,
}

Work = Literal["schema", "plan", "send", "settle", "people"]
_LOCKS: dict[Work, int] = {"schema": 7_110_001, "plan": 7_110_002, "send": 7_110_003, "people": 7_110_004}
"""Keys of PostgreSQL's advisory locks: one transaction per kind of work runs at a time. Settling needs no lock, because
only a message's owner settles it."""


class Store:
    """The tables of the outbox, behind transactions."""

    def __init__(self, engine: Engine):
        self.engine = engine

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is an SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection whose reads belong to one instant.

        Raises:
            StoreError: The store does not answer.
        """
        with _errors(self.engine.url), self.engine.connect() as connection:
            connection = (
                connection.execution_options(isolation_level="REPEATABLE READ") if not self.is_sqlite else connection
            )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, work: Work) -> Iterator[Connection]:
        """Yield a connection that commits when the block ends; an exception rolls everything back.

        Args:
            work: The kind of work. Transactions of one kind exclude each other; in SQLite all do.

        Raises:
            StoreBusyError: Another process held the store for `BUSY_SECONDS`.
            StoreError: The store does not answer.
        """
        with (
            _errors(self.engine.url),
            self.engine.connect().execution_options(reach_writes=True) as connection,
            connection.begin(),
        ):
            if not self.is_sqlite and work in _LOCKS:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCKS[work]})")
            yield connection

    def insert(self, table: Table) -> Any:
        """Return an INSERT of the store's dialect, which knows ON CONFLICT."""
        return (sqlite if self.is_sqlite else postgresql).insert(table)

    def insert_new(self, table: Table) -> Any:
        """Return an INSERT that skips rows which a constraint excludes."""
        return self.insert(table).on_conflict_do_nothing()

    def count_written(self, connection: Connection, insert: Any, values: Sequence[dict[str, Any]]) -> int:
        """Run an INSERT for many rows, and return how many were inserted or updated.

        PostgreSQL's driver does not count rows of statements that run for many rows at once.
        """
        return len(connection.execute(insert.returning(literal_column("1")), values).all())

    def truncate_log(self) -> None:
        """Empty SQLite's write-ahead log, which keeps deleted rows until then; PostgreSQL's is the server's matter."""
        if self.is_sqlite:
            with _errors(self.engine.url), closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def store_url(settings: Settings) -> str:
    """Return the address of the store: REACH_OUTBOX_URL, or the SQLite file in the data directory."""
    if settings.outbox_url is not None:
        return settings.outbox_url.get_secret_value()
    return URL.create("sqlite", database=str(settings.paths.outbox / SQLITE_FILE)).render_as_string(hide_password=False)


def has_store(settings: Settings) -> bool:
    """Return whether there is a store to read, so that a command which only reads or deletes creates no file."""
    url = make_url(store_url(settings))
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


def open_store(url: str) -> Store:
    """Open the store; create its tables if it is empty.

    Args:
        url: `sqlite:////path/outbox.db` or `postgresql://user:password@host/database`.

    Raises:
        StoreVersionError: A newer version of Reach wrote the store.
        StoreError: The store cannot be opened.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            "REACH_OUTBOX_URL is not a database address. Write sqlite:////path/outbox.db or "
            "postgresql://user:password@host/database."
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            f"REACH_OUTBOX_URL begins with '{parsed.drivername}'. The outbox supports sqlite and postgresql."
        )
    store = Store(_sqlite_engine(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql_engine(parsed))
    with store.write("schema") as connection:
        if not inspect(connection).has_table(schema_version.name):
            metadata.create_all(connection)
            connection.execute(schema_version.insert(), {"version": SCHEMA_VERSION})
        found = connection.execute(select(schema_version.c.version)).scalar_one()
        if found < SCHEMA_VERSION:
            _upgrade(connection)
    if found > SCHEMA_VERSION:
        store.close()
        raise StoreVersionError(
            f"The outbox {describe(parsed)} has schema version {found}; this version of Reach has {SCHEMA_VERSION}. "
            "Use the version of Reach that wrote it, or a newer one."
        )
    return store


def _upgrade(connection: Connection) -> None:
    """Turn a store of schema version 1, whose plans are all whole, into one of version 2."""
    connection.execute(text("ALTER TABLE plans ADD COLUMN owner VARCHAR"))
    next(index for index in plans.indexes if index.name == "plans_incomplete").create(connection)
    connection.execute(schema_version.update().values(version=SCHEMA_VERSION))


def describe(url: URL) -> str:
    """Return the store's address without its password."""
    return url.render_as_string(hide_password=True)


def _sqlite_engine(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("REACH_OUTBOX_URL names no file. Write sqlite:////path/outbox.db with an absolute path.")
    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Addresses of customers: readable by the owner only. SQLite gives its other files the same mode. A file that
        # exists is not opened, because closing it would drop the locks of every other store of this process on it
        # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"The outbox {file} cannot be opened: {error.strerror}. Check REACH_DATA.") from error
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **_ENGINE)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below replaces the driver's own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("reach_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    options = f"-c lock_timeout={BUSY_SECONDS * 1000}"
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10, "options": options}, **_ENGINE)


@contextmanager
def _errors(url: URL) -> Iterator[None]:
    try:
        yield
    except NoSuchModuleError as error:
        raise StoreError(f"The driver of {describe(url)} is not installed: {error}") from error
    except DBAPIError as error:
        # The first line only: drivers put rows with personal data into the others.
        cause = str(error.orig).partition("\n")[0]
        if "locked" in cause or "lock timeout" in cause:
            raise StoreBusyError(
                f"Another process holds the outbox {describe(url)} since {BUSY_SECONDS} s; nothing was written. "
                "Find the process that writes to it, then try again."
            ) from error
        if isinstance(error, IntegrityError):
            raise StoreError(
                f"A constraint of the outbox excludes this change, so nothing was written: {cause}"
            ) from error
        raise StoreError(
            f"The outbox {describe(url)} does not answer: {cause}. Nothing was written; start the database or "
            "free the disk, then try again."
        ) from error
