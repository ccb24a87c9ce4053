"""An installation with small feature tables, published, applied and materialised once, and copied for each test."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from feature_store.apply import apply
from feature_store.online.materialize import materialize
from feature_store.publish import publish
from settings import Settings
from tests.support.feature_store.synthetic_features import write_feature_tables

AS_OF = date(2018, 1, 1)


def stage(settings: Settings, as_of: date, **shape: int) -> None:
    """What dbt would leave in the staging folder."""
    write_feature_tables(settings.paths.staged_features, settings.snapshot_instants(as_of), **shape)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty installation."""
    return Settings(data=tmp_path / "data", snapshots=5)


@pytest.fixture
def staged(settings: Settings) -> Settings:
    """An installation whose tables are staged, and nothing published."""
    stage(settings, AS_OF)
    return settings


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Settings]:
    """Make an installation and run all steps."""

    def make(as_of: date = AS_OF, **shape: int) -> Settings:
        settings = Settings(data=tmp_path_factory.mktemp("built") / "data", snapshots=5)
        run_all(settings, as_of, **shape)
        return settings

    return make


def run_all(settings: Settings, as_of: date, **shape: int) -> None:
    """Stage, publish, apply and materialise."""
    stage(settings, as_of, **shape)
    publish(settings, as_of)
    apply(settings)
    materialize(settings, as_of)


@pytest.fixture(scope="session")
def built(build: Callable[..., Settings]) -> Settings:
    """One installation with everything in place; tests only read it."""
    return build(longest=1500)


@pytest.fixture
def copied(built: Settings, tmp_path: Path) -> Settings:
    """The same installation for a test that changes it. The registry is applied again, for it names paths."""
    shutil.copytree(built.data, tmp_path / "copy", symlinks=True)
    settings = Settings(data=tmp_path / "copy", snapshots=5)
    apply(settings)
    return settings
