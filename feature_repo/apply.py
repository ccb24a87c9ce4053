"""Write the definitions into the registry, pinned to the current publication."""

from feast import Entity, FeatureService, FeatureStore, FeatureView, FileSource

from feature_repo.definitions import feature_objects
from feature_repo.locks import only_writer
from feature_repo.store import store_config
from settings import Settings


def apply(settings: Settings) -> list[Entity | FileSource | FeatureView | FeatureService]:
    """Make the registry say what the definitions say, and nothing else; returns what is defined.

    Raises NotPublishedError if no feature tables are published.
    """
    objects = feature_objects(settings)
    with only_writer(settings.paths.feast):
        store = FeatureStore(config=store_config(settings))
        store.apply(objects, objects_to_delete=_gone(store, objects), partial=False)
    return objects


def _gone(store: FeatureStore, objects: list[Entity | FileSource | FeatureView | FeatureService]) -> list:
    """What an earlier version of the definitions put into the registry and this one no longer has."""
    kept = {(type(thing), thing.name) for thing in objects}
    registered = [
        *store.list_feature_services(),
        *store.list_feature_views(),
        *store.list_data_sources(),
        *store.list_entities(),
    ]
    return [thing for thing in registered if (type(thing), thing.name) not in kept]
