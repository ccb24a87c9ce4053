"""Write the definitions into the registry, pinned to the current publication."""

from dataclasses import dataclass
from typing import Any

from feast import FeatureService, FeatureStore, FeatureView

from core.files.lock import exclusive_lock
from feature_repo.definitions import feature_objects
from feature_store.offline_store import store_config
from settings import Settings


@dataclass(frozen=True)
class Applied:
    """The names the registry now holds."""

    views: list[str]
    services: list[str]


def apply(settings: Settings) -> Applied:
    """Make the registry hold what the definitions hold, and nothing else.

    Raises:
        NotPublishedError: No feature tables are published.
    """
    objects: list[Any] = feature_objects(settings)
    with exclusive_lock(settings.paths.feast):
        store = FeatureStore(config=store_config(settings))
        store.apply(objects, objects_to_delete=_unregistered(store, objects), partial=False)
    return Applied(
        [thing.name for thing in objects if isinstance(thing, FeatureView)],
        [thing.name for thing in objects if isinstance(thing, FeatureService)],
    )


def _unregistered(store: FeatureStore, objects: list[Any]) -> list[Any]:
    """Return the registered objects that the definitions no longer have."""
    kept = {(type(thing), thing.name) for thing in objects}
    registered: list[Any] = [
        *store.list_feature_services(),
        *store.list_feature_views(),
        *store.list_data_sources(),
        *store.list_entities(),
    ]
    return [thing for thing in registered if (type(thing), thing.name) not in kept]
