"""Write and read the online store in SQLite or Redis, behind one protocol.

SQLite's store consists of generations. Each is built aside and activated by moving one link:

    <data>/feast/online.db -> online/<generation>/online.db
    <data>/feast/online/<generation>/online.db and state.json

A reader holds either the old file or the new one, never a half-written one. A killed run leaves a generation that no
link names; the next run deletes it.

Redis has no generations, so rows are replaced in place, and the state lies in <data>/feast/online-redis.json.
"""

import json
import shutil
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from feast import FeatureStore, FeatureView

from core.files.atomic import move_link, sync
from feature_store import _private
from feature_store.online.state import OnlineState, read_state, write_state
from features.errors import FeatureStoreError, OnlineStoreUnavailableError
from settings import Settings

SAMPLED_VIEW = "customer_profile"
MAX_SCANNED_PAGES = 20
"""Pages of keys that Redis is asked for at most, because other programs may keep keys there too."""
LOCKED_MS = 20
"""How long a read waits for a SQLite file that another program has locked, in milliseconds.

Materialization never writes into the file that readers see. Feast's threads share one connection, and Python's sqlite3
holds the interpreter lock while it waits for the connection's mutex: with SQLite's own 5 seconds, a locked file stopped
the whole process for as long.
"""
_STATE = "state.json"


class OnlineStoreBackend(Protocol):
    """One kind of online store.

    Attributes:
        name: The store as the state names it, such as `redis localhost:6379`.
        marker: A file whose inode or modification time changes whenever a materialization finishes.
    """

    name: str
    marker: Path

    def feast_config(self, timeout_s: float) -> dict[str, Any]:
        """Return Feast's configuration of the store that readers see."""

    def state(self) -> OnlineState | None:
        """Return what the store holds; None if nothing was ever written."""

    def holds(self, state: OnlineState) -> bool:
        """Return whether the store certainly holds what the state names, so that nothing needs to be written."""

    def writing(self, state: OnlineState, incremental: bool) -> AbstractContextManager[dict[str, Any]]:
        """Open the store for one materialization, as a context that yields Feast's configuration.

        Args:
            state: The content of the store once the context ends without an exception.
            incremental: Whether newer rows are written over the older ones, instead of into an empty store.
        """

    def empty(self, store: FeatureStore, views: Sequence[FeatureView]) -> None:
        """Make the opened store empty and ready for the views, before a rebuild."""

    def prepare_reader(self, store: FeatureStore) -> None:
        """Bound how long a read on this open store may wait."""

    def entity_keys(self, store: FeatureStore, count: int) -> Iterable[bytes]:
        """Return serialized keys of about `count` customers, in the store's own order."""


class SqliteGenerations:
    """The generations of SQLite's online store under Feast's folder."""

    name = "sqlite"

    def __init__(self, feast: Path) -> None:
        self.marker = self.link = feast / "online.db"
        self._generations = feast / "online"

    def feast_config(self, timeout_s: float) -> dict[str, Any]:
        """Return the configuration of the active generation; a file needs no timeout."""
        return {"type": "sqlite", "path": str(self.link)}

    def state(self) -> OnlineState | None:
        """Return what the active generation holds; None without one (a file that `feast apply` made is empty)."""
        is_active = self.link.is_symlink() and self.link.exists()
        return read_state(self.link.resolve().with_name(_STATE)) if is_active else None

    def holds(self, state: OnlineState) -> bool:
        """Return whether the active generation was written with this state."""
        return self.state() == state

    @contextmanager
    def writing(self, state: OnlineState, incremental: bool) -> Iterator[dict[str, Any]]:
        """Yield the configuration of a new generation, and activate it at the end."""
        database = self.create(state.publication, copy=incremental)
        yield {"type": "sqlite", "path": str(database)}
        self.activate(database, state)

    def create(self, publication: str, copy: bool) -> Path:
        """Return the database file of a new, private generation.

        Args:
            publication: The name of the publication that it will hold.
            copy: Whether the file is a copy of the active generation's, instead of missing.
        """
        active = self.link.resolve().parent
        if self._generations.is_dir():
            for leftover in self._generations.iterdir():
                if leftover != active:
                    shutil.rmtree(leftover)
        database = self._generations / f"{publication}-{uuid.uuid4().hex[:8]}" / self.link.name
        database.parent.mkdir(parents=True)
        if copy:
            shutil.copyfile(self.link, database)
        return database

    def activate(self, database: Path, state: OnlineState) -> None:
        """Let readers open a finished generation; the previous one stays for readers that have just opened it."""
        write_state(database.with_name(_STATE), state)
        sync(database)
        move_link(self.link, database)

    def empty(self, store: FeatureStore, views: Sequence[FeatureView]) -> None:
        """Create the tables in a generation's new file."""
        _private.create_tables(store, views)

    def prepare_reader(self, store: FeatureStore) -> None:
        """Bound the wait for a locked file."""
        _private.sqlite_connection(store).execute(f"PRAGMA busy_timeout = {LOCKED_MS}")

    def entity_keys(self, store: FeatureStore, count: int) -> Iterable[bytes]:
        """Return keys of the profiles' table."""
        path = Path(store.config.online_store.path).resolve()
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            table = f'"{store.project}_{SAMPLED_VIEW}"'
            rows = connection.execute(f"SELECT DISTINCT entity_key FROM {table} LIMIT ?", [count])
            return [row[0] for row in rows]


class RedisStore:
    """The online store in Redis: a reader sees each customer's old row or new row.

    A rebuild empties the store first, so for a moment readers find no customer and fall back.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.name = f"redis {settings.redis}"
        self.marker = folder / "online-redis.json"
        self._settings = settings

    def feast_config(self, timeout_s: float) -> dict[str, Any]:
        """Return the configuration with the password and timeouts for connecting and for each answer."""
        return {
            "type": "redis",
            "connection_string": self._connection_string(timeout_s),
            # Reach is the only writer. Without this, Redis keeps a row of the same instant although its content was
            # corrected.
            "skip_dedup": True,
        }

    def state(self) -> OnlineState | None:
        """Return what the last run wrote; incomplete if it was killed while it wrote."""
        return read_state(self.marker)

    def holds(self, state: OnlineState) -> bool:
        """Return False: the server may have been emptied since."""
        return False

    @contextmanager
    def writing(self, state: OnlineState, incremental: bool) -> Iterator[dict[str, Any]]:
        """Yield the store's configuration; the state is incomplete until the end."""
        from redis.exceptions import RedisError  # here, because SQLite needs no Redis client

        write_state(self.marker, state.unfinished())
        try:
            yield self.feast_config(WRITE_TIMEOUT_S)
        except RedisError as error:
            raise OnlineStoreUnavailableError(
                f"Redis at {self._settings.redis} does not answer: {error}. Start it and run again."
            ) from error
        write_state(self.marker, state)

    def empty(self, store: FeatureStore, views: Sequence[FeatureView]) -> None:
        """Delete the views' rows."""
        _private.delete_rows(store, views)

    def prepare_reader(self, store: FeatureStore) -> None:
        """Do nothing: the connection has its timeouts."""

    def entity_keys(self, store: FeatureStore, count: int) -> Iterator[bytes]:
        """Yield the customers' keys page by page."""
        client = _private.redis_client(store)
        project = store.project.encode()
        cursor = 0
        for _ in range(MAX_SCANNED_PAGES):
            cursor, keys = client.scan(cursor, match=b"*customer_id*" + project, count=500, _type="hash")
            yield from (key.removesuffix(project) for key in keys if not key.startswith(b"reach:"))
            if cursor == 0:
                return

    def _connection_string(self, timeout_s: float) -> str:
        password = self._settings.redis_password.get_secret_value() if self._settings.redis_password else ""
        if "," in password:
            raise FeatureStoreError("REACH_REDIS_PASSWORD holds a comma, which Feast's connection string cannot carry.")
        parts = [
            self._settings.redis,
            # With the client's own retries a dead Redis held a call for 12 seconds, and a hung one for ever.
            f"socket_timeout={timeout_s}",
            f"socket_connect_timeout={timeout_s}",
            "retry=null",
        ]
        if password:
            parts.append(f"password={json.dumps(password)}")  # quoted, or "0123" would arrive as a number
        return ",".join(parts)


WRITE_TIMEOUT_S = 30.0
"""How long a materialization waits for Redis, to connect and for each answer."""


def backend_of(settings: Settings) -> OnlineStoreBackend:
    """Return the online store that the settings choose."""
    folder = settings.paths.feast
    return RedisStore(settings, folder) if settings.online_store == "redis" else SqliteGenerations(folder)
