"""An installation with small feature tables, published, applied and materialised once, and copied for each test."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from feature_store.apply import apply
from settings import Settings
from tests.support.feature_store.installation import AS_OF, run_all, stage


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


@pytest.fixture(scope="session")
def built(build: Callable[..., Settings]) -> Settings:
    """One installation with everything in place; tests only read it."""
    return build(longest=1500)


@pytest.fixture
def copied(built: Settings, tmp_path: Path) -> Settings:
    """The same installation for a test that changes it. The registry is applied again, because it holds paths."""
    shutil.copytree(built.data, tmp_path / "copy", symlinks=True)
    settings = Settings(data=tmp_path / "copy", snapshots=5)
    apply(settings)
    return settings
