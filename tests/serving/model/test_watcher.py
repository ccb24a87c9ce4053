"""Following the champion alias, without a server."""

from datetime import datetime
from pathlib import Path

import pytest

from registry.champion_alias import ChampionAlias
from scoring.bundle import Bundle
from serving.config import ServiceConfig
from serving.metrics import metrics
from serving.model.watcher import ModelWatcher
from tests.support.serving.small_bundle import write_bundle

pytestmark = pytest.mark.integration


class Installation:
    """A pointer and bundles that a test can move and break."""

    def __init__(self, bundles: dict[str, Path]):
        self.bundles = bundles
        self.pointer: ChampionAlias | None = None
        self.loaded: list[str] = []
        self.now = 0.0
        self.watcher = ModelWatcher(
            lambda: self.pointer, self.load, ServiceConfig(rejected_retry_s=60), metrics(), clock=lambda: self.now
        )

    def load(self, version: str) -> Bundle:
        self.loaded.append(version)
        return Bundle.open(self.bundles[version])

    def point_at(self, version: str | None, previous: str | None = None) -> None:
        self.pointer = ChampionAlias(
            generation=self.pointer.generation + 1 if self.pointer else 1,
            version=version,
            previous=previous,
            changed_at=datetime(2018, 1, 1),
            reason="",
            by="test",
        )
        self.watcher.poll_once()

    @property
    def serving(self) -> str | None:
        return self.watcher.current.version if self.watcher.current else None


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation({version: write_bundle(tmp_path / version, version) for version in ("v1", "v2", "v3")})


def test_nothing_serves_before_a_pointer_is_there(installation: Installation) -> None:
    installation.watcher.poll_once()
    assert installation.serving is None


def test_a_version_is_loaded_once_however_often_the_pointer_is_looked_at(installation: Installation) -> None:
    installation.point_at("v1")
    for _ in range(3):
        installation.watcher.poll_once()

    assert installation.serving == "v1"
    assert installation.loaded == ["v1"]


def test_after_a_start_and_after_a_roll_back_the_next_roll_back_finds_its_version_in_memory(
    installation: Installation,
) -> None:
    installation.point_at("v3", previous="v2")
    installation.watcher.preload_previous()
    assert installation.loaded == ["v3", "v2"]

    installation.point_at("v2", previous="v1")  # a roll-back; another one would go to v1
    for _ in range(3):
        installation.watcher.preload_previous()
    assert installation.loaded == ["v3", "v2", "v1"]
    installation.point_at("v1")

    assert installation.serving == "v1"
    assert installation.loaded == ["v3", "v2", "v1"]


def test_a_version_that_cannot_stand_by_harms_nothing_and_is_tried_once(installation: Installation) -> None:
    installation.point_at("v2", previous="gone")
    for _ in range(3):
        installation.watcher.preload_previous()

    assert installation.serving == "v2"
    assert installation.loaded == ["v2", "gone"]


def test_the_report_names_what_serves_what_is_at_hand_and_what_was_refused(installation: Installation) -> None:
    assert installation.watcher.report() == {
        "version": None,
        "generation": 0,
        "standby_version": None,
        "experiment_version": None,
        "rejected": None,
    }
    installation.point_at("v1")
    installation.point_at("v2", previous="v1")
    installation.point_at("gone", previous="v2")

    assert installation.watcher.report() == {
        "version": "v2",
        "generation": 2,
        "standby_version": None,  # it made room for the one that was refused
        "experiment_version": None,
        "rejected": {"version": "gone", "generation": 3},
    }


def test_going_back_to_the_previous_version_loads_nothing(installation: Installation) -> None:
    for version in ("v1", "v2", "v1", "v2"):
        installation.point_at(version)
        assert installation.serving == version

    assert installation.loaded == ["v1", "v2"]


def test_a_refused_version_is_tried_again_only_after_a_while(installation: Installation) -> None:
    installation.point_at("v1")
    whole = installation.bundles["v2"]
    installation.bundles["v2"] = whole / "nowhere"
    installation.point_at("v2")
    installation.watcher.poll_once()
    assert (installation.serving, installation.loaded) == ("v1", ["v1", "v2"])

    installation.bundles["v2"] = whole
    installation.now = 61.0
    installation.watcher.poll_once()
    assert installation.serving == "v2"


def test_a_newer_deployment_is_followed_although_the_one_before_was_refused(installation: Installation) -> None:
    installation.point_at("v1")
    installation.bundles["v2"] = Path("/nowhere")
    installation.point_at("v2")
    installation.point_at("v3")

    assert installation.serving == "v3"


def test_a_bundle_whose_golden_answers_differ_is_refused(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.point_at("v1")
    monkeypatch.setattr("scoring.recommender.Recommender.recommend", lambda *_: (_ for _ in ()).throw(RuntimeError()))
    installation.point_at("v2")

    assert installation.serving == "v1"


def test_a_pointer_that_cannot_be_read_changes_nothing(installation: Installation) -> None:
    installation.point_at("v1")

    def unreadable() -> ChampionAlias:
        raise OSError("disk")

    installation.watcher._look_up = unreadable
    installation.watcher.poll_once()
    assert installation.serving == "v1"


def test_a_pointer_that_vanishes_changes_nothing_but_a_withdrawn_champion_does(installation: Installation) -> None:
    installation.point_at("v1")
    kept, installation.pointer = installation.pointer, None
    installation.watcher.poll_once()
    assert installation.serving == "v1"

    installation.pointer = kept
    installation.point_at(None)
    assert installation.serving is None
