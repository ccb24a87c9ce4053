"""Read one customer's features from the online store, within a deadline."""

from datetime import datetime
from itertools import islice
from typing import Any

from feast import FeatureStore, FeatureView
from feast.infra.key_encoding_utils import deserialize_entity_key

from core.clock import naive_utc
from core.held import Held
from feature_store._private import Row, read_row
from feature_store.offline_store import EVENT_TIMESTAMP, feature_service, open_store
from feature_store.online.backends import backend_of
from feature_store.online.follower import StoreFollower
from feature_store.online.values import customer_key, plain_values
from features.errors import OnlineStoreUnavailableError
from features.services import QUERY_SERVICE
from settings import Settings

HELD = "held"


class OnlineFeatureReader:
    """Reads the query service's features; one object serves all threads of a process for its whole life.

    Opening costs half a second, so it happens on the first read (or in `warm_up`) and again whenever a
    materialization has finished. Redis gets `deadline_seconds` to connect and for each answer. A circuit breaker is
    the caller's work.
    """

    def __init__(self, settings: Settings, deadline_seconds: float = 0.25) -> None:
        self._settings = settings
        self._deadline_seconds = deadline_seconds
        self._backend = backend_of(settings)
        self._follower = StoreFollower(self._backend.marker, self._open)

    def warm_up(self) -> None:
        """Open the store and read once, so that the first customer does not wait for it."""
        self.read("")

    def read(self, customer_id: str) -> dict[str, Any] | None:
        """Return the customer's features as `view__feature`, or None for a customer that the store does not have.

        Numbers are float, arrays float32 `[products]` (read-only), texts str, and `customer_history__product_ids` is
        a list of str. `event_timestamp` (naive UTC) is the instant before which everything in them happened. `held`
        names the purchases before it that are in them; None means all.

        Raises:
            OnlineStoreUnavailableError: There is no registry yet, or the store does not answer in time.
        """
        try:
            store, views, held = self._follower.current()
            rows = [(view, read_row(store, view, customer_key(customer_id))) for view in views]
        except Exception as error:  # Feast, SQLAlchemy, SQLite and Redis share no base class
            raise OnlineStoreUnavailableError(f"The online store cannot be read: {error}") from error
        features = _features(rows)
        return None if features is None else features | {HELD: held}

    def sample_ids(self, count: int) -> list[str]:
        """Return ids of at most `count` customers in the store, in the store's own order.

        Raises:
            OnlineStoreUnavailableError: There is no registry yet, or the store does not answer in time.
        """
        try:
            store = self._follower.current()[0]
            version = store.config.entity_key_serialization_version
            keys = islice(self._backend.entity_keys(store, count), count)
            found = {deserialize_entity_key(key, version).entity_values[0].string_val for key in keys}
            return sorted(found, key=lambda customer_id: (len(customer_id), customer_id))
        except Exception as error:
            raise OnlineStoreUnavailableError(f"The online store cannot be read: {error}") from error

    def _open(self) -> tuple[FeatureStore, list[FeatureView], Held | None]:
        state = self._backend.state()
        store = open_store(self._settings, redis_timeout_seconds=self._deadline_seconds, only_online=True)
        members = feature_service(store, QUERY_SERVICE).feature_view_projections
        views = [store.get_feature_view(member.name) for member in members]
        self._backend.prepare_reader(store)
        return store, views, state.held if state else None


def _features(rows: list[tuple[FeatureView, Row]]) -> dict[str, Any] | None:
    """Return the rows' features and the oldest of their times; None for a customer that is missing in a view.

    For an unknown key Redis returns nulls with an epoch timestamp. A customer present in only one view is being written
    right now, because the tables have the same customers.
    """
    features: dict[str, Any] = {}
    times: list[datetime] = []
    for view, (known_at, values) in rows:
        plain = plain_values(view.name, values)
        if known_at is None or not plain:
            return None
        features |= plain
        times.append(known_at)
    features[EVENT_TIMESTAMP] = naive_utc(min(times))
    return features
