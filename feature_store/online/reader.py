"""The serving room's reader: one customer's features in one read, fast, and never later than its deadline."""

import sqlite3
import threading
from datetime import datetime
from typing import Any

import numpy as np
from feast import FeatureStore, FeatureView
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from core.clock import naive_utc
from core.held import Held
from feature_store.offline_store import feature_service, open_store
from feature_store.online.sample_customers import sample_customers
from feature_store.online.sqlite_generations import current_state, generation_marker
from features.errors import OnlineStoreUnavailableError
from settings import Settings

SERVICE = "online_customer_v1"
EVENT_TIMESTAMP = "event_timestamp"
HELD = "held"

LOCKED_MS = 20
"""How long a read waits for a SQLite file that another program has locked, in milliseconds.

Materialization never writes into the file that readers see. Feast's threads share one connection, and Python's sqlite3
holds the interpreter lock while it waits for the connection's mutex: with SQLite's own 5 seconds, a locked file stopped
the whole process for as long.
"""

Row = tuple[datetime | None, dict[str, Value] | None]
"""What a store says of one key of one view: when it became true, and the values by feature."""


class OnlineFeatureReader:
    """Reads `online_customer_v1`; one object for all threads of a process, for the whole life of the process.

    Opening costs half a second, so it happens on the first read (or in `warm_up`) and again whenever a
    materialisation has finished. Redis gets `deadline_seconds` to connect and for each answer; whoever needs a
    breaker puts it around `read`.
    """

    def __init__(self, settings: Settings, deadline_seconds: float = 0.25) -> None:
        self._settings = settings
        self._deadline_seconds = deadline_seconds
        self._opening = threading.Lock()
        self._opened: tuple[object, FeatureStore, list[FeatureView], Held | None] | None = None
        self._mark = generation_marker(settings)

    def warm_up(self) -> None:
        """Open the store and read once, so that the first customer does not wait for it."""
        self.read("")

    def read(self, customer_id: str) -> dict[str, Any] | None:
        """The customer's features as `view__feature`, and two times (naive UTC): `event_timestamp`, before which
        everything in them happened, and `held`, which purchases before it are in them (None: all of them).

        Numbers are float, arrays float32 `[products]` (read-only), texts str and `customer_history__product_ids` a
        list of str. None for a customer the store does not know.

        Raises OnlineStoreUnavailableError if there is no registry yet or the store does not answer in time.
        """
        try:
            store, views, held = self._current()
            rows = [(view, store.provider.online_read(store.config, view, [_key(customer_id)])[0]) for view in views]
        except Exception as error:  # Feast, SQLAlchemy, SQLite and Redis share no base class
            raise OnlineStoreUnavailableError(f"The online store cannot be read: {error}") from error
        features = _features(rows)
        return None if features is None else features | {HELD: held}

    def sample_ids(self, count: int) -> list[str]:
        """Ids of a few customers the store knows. Raises OnlineStoreUnavailableError."""
        try:
            return sample_customers(self._current()[0], count)
        except Exception as error:
            raise OnlineStoreUnavailableError(f"The online store cannot be read: {error}") from error

    def _current(self) -> tuple[FeatureStore, list[FeatureView], Held | None]:
        """The open store; opened again if a materialisation finished since. One thread opens, the others read on."""
        mark = self._marked()
        opened = self._opened
        if opened is not None and (opened[0] == mark or not self._opening.acquire(blocking=False)):
            return opened[1:]
        if opened is None:
            self._opening.acquire()
        try:
            if self._opened is None or self._opened[0] != mark:
                self._opened = (mark, *self._open())
            return self._opened[1:]
        finally:
            self._opening.release()

    def _open(self) -> tuple[FeatureStore, list[FeatureView], Held | None]:
        state = current_state(self._settings)
        store = open_store(self._settings, redis_timeout_seconds=self._deadline_seconds, only_online=True)
        members = feature_service(store, SERVICE).feature_view_projections
        views = [store.get_feature_view(member.name) for member in members]
        if self._settings.online_store == "sqlite":
            _connection(store).execute(f"PRAGMA busy_timeout = {LOCKED_MS}")
        return store, views, state.held if state else None

    def _marked(self) -> object:
        """Changes when a materialisation finishes: the file the link names, or the state beside Redis."""
        try:
            status = self._mark.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns


def _connection(store: FeatureStore) -> sqlite3.Connection:
    """Return the one SQLite connection that Feast's store shares between threads; Feast has no public way to it."""
    online_store: Any = store.provider.online_store
    connection: sqlite3.Connection = online_store._get_conn(store.config)
    return connection


def _key(customer_id: str) -> EntityKey:
    return EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=customer_id)])


def _features(rows: list[tuple[FeatureView, Row]]) -> dict[str, Any] | None:
    """`get_online_features` would wrap these rows for any number of keys, in twice the time of reading them."""
    features: dict[str, Any] = {}
    times: list[datetime] = []
    for view, (known_at, values) in rows:
        plain = {f"{view.name}__{name}": _python(value) for name, value in (values or {}).items()}
        plain = {name: value for name, value in plain.items() if value is not None}
        if known_at is None or not plain:  # of a stranger Redis says nothing of everything, since 1970
            return None  # the tables have the same customers: one whom half of them know is being written just now
        features |= plain
        times.append(known_at)
    features[EVENT_TIMESTAMP] = naive_utc(min(times))
    return features


def _python(value: Value) -> Any:
    """Feast's own conversion visits every element of an array in Python: 1.3 ms a customer. This takes 0.1 ms."""
    kind = value.WhichOneof("val")
    if kind == "float_list_val":
        # Packed on the wire: one tag, one length, then the floats, little-endian.
        wire = value.float_list_val.SerializeToString()
        count = len(value.float_list_val.val)
        return np.frombuffer(wire, dtype="<f4", offset=len(wire) - 4 * count)
    if kind == "string_list_val":
        return list(value.string_list_val.val)
    return None if kind is None else getattr(value, kind)
