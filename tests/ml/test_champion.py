"""Which deployed version is a fair opponent."""

from datetime import date, datetime
from pathlib import Path

import pytest

from ml.champion import find_champion
from ml.config import load_config
from ml.data.splits import Split
from ml.steps.plan import Plan
from release.registry import Registry
from release.store import ModelStore
from settings import Settings
from tests.serving.small_bundle import write_bundle


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Version v1, trained on purchases until 2018-01-01, is deployed."""
    settings = Settings(data=tmp_path / "data")
    bundle = write_bundle(tmp_path / "bundle", "v1", as_of=date(2018, 1, 1))
    ModelStore(settings.paths.bentoml).put(bundle, "v1")
    Registry(settings.paths.release).deploy("v1", None, "test", "test")
    return settings


def plan(as_of: date, judged: datetime) -> Plan:
    now = datetime(as_of.year, as_of.month, as_of.day, 5)
    return Plan("r", as_of, 7, "", "f", load_config(), Split(now, judged, [], []))


def test_the_deployed_version_is_judged_on_weeks_it_has_not_seen(settings: Settings):
    later = plan(date(2018, 2, 12), datetime(2018, 1, 15, 5))
    champion = find_champion(settings, later)
    assert champion is not None
    assert champion.version == "v1"


def test_a_version_that_knows_the_window_is_no_opponent(settings: Settings, capsys: pytest.CaptureFixture[str]):
    earlier = plan(date(2017, 12, 4), datetime(2017, 11, 6, 5))
    assert find_champion(settings, earlier) is None
    assert "v1 learned from purchases until 2018-01-01, so it knows the window" in capsys.readouterr().out


def test_before_the_first_deployment_there_is_no_champion(tmp_path: Path):
    later = plan(date(2018, 2, 12), datetime(2018, 1, 15, 5))
    assert find_champion(Settings(data=tmp_path), later) is None
