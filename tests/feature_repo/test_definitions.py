"""Feast's definitions have the contract's names, documentation and owner, by command as by hand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from feast.repo_operations import get_repo_files
from feast.types import Array, Float32, String

from feature_repo.definitions import feature_objects
from feature_store.apply import apply
from feature_store.offline_store import FOLDER, open_store, publication_name, store_config
from features.declarations import TABLES
from features.errors import NotPublishedError
from settings import Settings
from tests.support.feature_store.synthetic_features import (
    ACTIVITY,
    CATEGORIES,
    CONTENT,
    HABITS,
    HISTORY,
    PROFILE,
    TRAITS,
)

VIEWS = {
    "customer_history": ["product_ids", *HISTORY],
    "customer_profile": [*PROFILE, *TRAITS],
    "product_content": [*CONTENT],
    "product_activity": [*ACTIVITY],
    "customer_purchases": ["product_ids"],
    "customer_categories": ["categories", "departments", *CATEGORIES],
    "customer_habits": HABITS,
    "customer_outcomes": ["weekly_baskets", "weekly_spend"],
    **{table.name: [feature.name for feature in table.features] for table in TABLES if table.of_campaigns},
}
ENTITIES = {"campaign", "customer", "product"}
SERVICES = {
    "retrieval_query_v1": {"customer_history", "customer_profile"},
    "retrieval_candidate_v1": {"product_content", "product_activity"},
    "labels_v1": {"customer_purchases"},
}


def test_views_hold_the_contracts_features_and_only_customers_are_online(built: Settings) -> None:
    views = {view.name: view for view in open_store(built).list_feature_views()}
    assert {name: sorted(field.name for field in view.features) for name, view in views.items()} == {
        name: sorted(features) for name, features in VIEWS.items()
    }
    assert {name for name, view in views.items() if view.online} == {"customer_history", "customer_profile"}
    types = {field.name: field.dtype for field in views["customer_history"].features}
    assert types.pop("product_ids") == Array(String)
    assert set(types.values()) == {Array(Float32)}


def test_services_are_the_contracts(built: Settings) -> None:
    services = open_store(built).list_feature_services()
    assert {
        service.name: {projection.name for projection in service.feature_view_projections} for service in services
    } == SERVICES


def test_everything_has_a_description_and_an_owner(built: Settings) -> None:
    store = open_store(built)
    things = [
        *store.list_entities(),
        *store.list_data_sources(),
        *store.list_feature_views(),
        *store.list_feature_services(),
    ]
    assert {entity.name for entity in store.list_entities()} == ENTITIES
    assert len(things) == len(ENTITIES) + 2 * len(VIEWS) + len(SERVICES)
    for thing in things:
        assert thing.description, thing.name
        assert "@" in thing.owner, thing.name
    for view in store.list_feature_views():
        for field in view.features:
            assert field.description, f"{view.name}.{field.name}"


def test_the_registry_reads_one_publication_and_not_the_moving_link(built: Settings) -> None:
    store = open_store(built)
    name = built.paths.features.readlink().name
    assert publication_name(store) == name
    assert {Path(source.path).parent for source in store.list_data_sources()} == {built.data / "features" / name}


def test_nothing_published_is_an_error_that_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(NotPublishedError, match="Run 'make features' first"):
        apply(settings)
    with pytest.raises(NotPublishedError, match="Run 'make features' first"):
        open_store(settings)
    assert not (settings.paths.feast / "registry.db").exists()


def test_applying_again_changes_nothing_and_drops_what_is_no_longer_defined(copied: Settings) -> None:
    store = open_store(copied)
    before = [(view.name, view.created_timestamp, view.current_version_number) for view in store.list_feature_views()]
    old = store.get_feature_service("labels_v1")
    old.name = "labels_v0"
    store.apply([old])
    assert "labels_v0" in {service.name for service in store.list_feature_services()}

    apply(copied)

    store = open_store(copied)
    assert {service.name for service in store.list_feature_services()} == set(SERVICES)
    after = [(view.name, view.created_timestamp, view.current_version_number) for view in store.list_feature_views()]
    assert after == before


def test_feast_reads_one_file_of_this_folder() -> None:
    assert get_repo_files(FOLDER) == [FOLDER / "definitions.py"]


def test_feast_apply_by_hand_registers_the_same(copied: Settings, tmp_path: Path) -> None:
    expected = {(type(thing).__name__, thing.name) for thing in feature_objects(copied)}
    shutil.rmtree(copied.paths.feast)
    tracked = sorted(path for path in FOLDER.rglob("*") if "__pycache__" not in path.parts)

    done = subprocess.run(
        [Path(sys.executable).with_name("feast"), "apply"],
        cwd=FOLDER,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "REACH_DATA": str(copied.data)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    store = open_store(copied)
    found = [
        *store.list_entities(),
        *store.list_data_sources(),
        *store.list_feature_views(),
        *store.list_feature_services(),
    ]
    assert {(type(thing).__name__, thing.name) for thing in found} == expected
    assert publication_name(store) == copied.paths.features.readlink().name
    # Feast would put a profile of the data next to its configuration, were it not turned off.
    assert sorted(path for path in FOLDER.rglob("*") if "__pycache__" not in path.parts) == tracked


def test_redis_is_a_matter_of_settings(settings: Settings) -> None:
    changed = settings.model_copy(update={"online_store": "redis", "redis": "cache:6380"})
    online = store_config(changed, redis_timeout_seconds=0.5).online_store
    assert online.type == "redis"
    assert online.connection_string == "cache:6380,socket_timeout=0.5,socket_connect_timeout=0.5,retry=null"
    assert store_config(settings).online_store.path == str(settings.paths.feast / "online.db")
