"""Provide a small installation for the benchmarks of the service."""

from datetime import date
from pathlib import Path

import pytest

from feature_store.apply import apply
from feature_store.online.materialize import materialize
from feature_store.publish import publish
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from settings import Settings
from tests.support.feature_store.synthetic_features import write_feature_tables
from tests.support.serving.small_bundle import write_bundle

AS_OF = date(2018, 1, 1)


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    """Features online, and a champion."""
    settings = Settings(data=tmp_path / "data", snapshots=5)
    write_feature_tables(settings.paths.staged_features, settings.snapshot_instants(AS_OF))
    publish(settings, AS_OF)
    apply(settings)
    materialize(settings, AS_OF)
    store = ModelStore(settings.paths.bentoml)
    store.put(write_bundle(tmp_path / "v1", "v1"), "v1")
    Registry(settings.paths.release).deploy("v1", None, "a test", "test")
    return settings
