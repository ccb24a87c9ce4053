"""Open the Feast project of customers' profiles: a registry and an online store of its own.

The recommender's project is not changed: its registry is pinned to one publication of features, and its online store is
replaced with it. Scores come later, from another publication, or not at all.
"""

from pathlib import Path
from typing import Any

import yaml
from feast import FeatureStore
from feast.repo_config import RepoConfig

from feature_store.offline_store import FOLDER, NO_OFFLINE_STORE
from feature_store.online.backends import WRITE_TIMEOUT_S, OnlineStoreBackend, RedisStore, SqliteGenerations
from settings import Settings

PROJECT = "reach_profiles"
"""Keys in Redis end with the project's name, so no key of the recommender's project is one of these."""


def profiles_backend(settings: Settings) -> OnlineStoreBackend:
    """Return the online store of profiles, in the store that the settings choose."""
    folder = settings.paths.profiles
    return RedisStore(settings, folder) if settings.online_store == "redis" else SqliteGenerations(folder)


def registry_file(settings: Settings) -> Path:
    """Return the SQLite file of the registry."""
    return settings.paths.profiles / "registry.db"


def profiles_config(
    settings: Settings,
    online_store: dict[str, Any] | None = None,
    redis_timeout_seconds: float = WRITE_TIMEOUT_S,
    only_online: bool = False,
) -> RepoConfig:
    """Return Feast's configuration of the project; the arguments are those of `offline_store.store_config`."""
    raw = yaml.safe_load((FOLDER / "feature_store.yaml").read_text())
    raw["project"] = PROJECT
    raw["registry"]["path"] = f"sqlite:///{registry_file(settings)}"
    raw["online_store"] = online_store or profiles_backend(settings).feast_config(redis_timeout_seconds)
    if only_online:
        raw["offline_store"] = NO_OFFLINE_STORE
    config = RepoConfig(**raw)
    config.repo_path = FOLDER
    return config


def open_profiles(settings: Settings, redis_timeout_seconds: float) -> FeatureStore:
    """Open the project for online reads."""
    return FeatureStore(config=profiles_config(settings, None, redis_timeout_seconds, only_online=True))
