"""Read one customer's profile from the online store, within a deadline."""

from typing import Any

from feast import FeatureStore, FeatureView

from core.clock import naive_utc
from customer_scores.errors import ScoresNotPublishedError
from customer_scores.publication import PUBLISH, ScoresPublication, read_record
from feature_repo.profiles import SERVICE
from feature_store._private import read_row
from feature_store.online.follower import StoreFollower
from feature_store.online.values import customer_key, plain_values
from feature_store.profiles.store import open_profiles, profiles_backend
from features.errors import OnlineStoreUnavailableError
from settings import Settings

PUBLICATION = "publication"
"""The name, among a profile's values, of the publication that they are from."""

OpenProfiles = tuple[FeatureStore, list[FeatureView], ScoresPublication]


class ProfileReader:
    """Read the profiles that were materialized last; one object serves all threads of a process.

    Args:
        settings: The settings of this installation.
        deadline_seconds: Redis' time to connect and for each answer.
    """

    def __init__(self, settings: Settings, deadline_seconds: float = 0.25):
        self._settings = settings
        self._deadline_seconds = deadline_seconds
        self._backend = profiles_backend(settings)
        self._follower = StoreFollower(self._backend.marker, self._open)

    def read(self, customer_id: str) -> dict[str, Any] | None:
        """Return a profile, or None for a customer who has none.

        Values are named `view__feature`, and `view__as_of` is the instant (naive UTC) of a view's scores. `publication`
        is the publication that they are from.

        Raises:
            ScoresNotPublishedError: No scores were ever materialized.
            OnlineStoreUnavailableError: The store does not answer in time.
        """
        try:
            store, views, publication = self._follower.current()
            rows = [(view.name, read_row(store, view, customer_key(customer_id))) for view in views]
        except ScoresNotPublishedError:
            raise
        except Exception as error:  # Feast, SQLAlchemy, SQLite and Redis share no base class
            raise OnlineStoreUnavailableError(f"The store of profiles cannot be read: {error}") from error
        profile: dict[str, Any] = {}
        for view, (known_at, values) in rows:
            plain = plain_values(view, values)
            if known_at is not None and plain:
                profile |= plain | {f"{view}__as_of": naive_utc(known_at)}
        return profile | {PUBLICATION: publication} if profile else None

    def sample_ids(self, count: int) -> list[str]:
        """Return no ids: suggestions come from the store of features."""
        return []

    def _open(self) -> OpenProfiles:
        state = self._backend.state()
        published = None if state is None else read_record(self._settings.paths.customers.parent / state.publication)
        if published is None:
            raise ScoresNotPublishedError(f"No scores of customers are in the online store. {PUBLISH}")
        store = open_profiles(self._settings, self._deadline_seconds)
        members = store.get_feature_service(SERVICE).feature_view_projections
        views = [store.get_feature_view(member.name) for member in members]
        self._backend.prepare_reader(store)
        return store, views, published
