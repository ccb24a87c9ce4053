"""Old versions are deleted, and never one that somebody may still go back to."""

import json
import os
from pathlib import Path

import pytest

from core.files.bundle import MANIFEST
from registry.__main__ import main
from registry.champion_alias import Registry
from registry.model_store import ModelStore
from settings import Settings
from tests.support.serving.small_bundle import write_bundle


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Make versions v1 to v7 on seven days; v1 also has a Bento."""
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    settings = Settings(data=tmp_path / "data")
    made = write_bundle(tmp_path / "made", "v1")
    manifest = json.loads((made / MANIFEST).read_text())
    for day in range(1, 8):
        (made / MANIFEST).write_text(json.dumps(manifest | {"version": f"v{day}"}))
        os.utime(made / MANIFEST, (day * 86_400, day * 86_400))
        ModelStore(settings.paths.bentoml).put(made, f"v{day}")
    bento(settings, "v1").mkdir(parents=True)
    bento(settings, "v2").mkdir()
    return settings


def bento(settings: Settings, version: str) -> Path:
    return settings.paths.bentoml / "bentos" / "reach" / version


def kept(settings: Settings, keep: int) -> list[str]:
    main(["prune", f"--keep={keep}"])
    return ModelStore(settings.paths.bentoml).versions()


def deploy(settings: Settings, *versions: str) -> Registry:
    registry = Registry(settings.paths.release)
    for version in versions:
        registry.deploy(version, None, "test", "test")
    return registry


def test_the_champion_and_the_one_before_it_stay_however_old(settings: Settings) -> None:
    deploy(settings, "v3", "v2", "v1").log_rejection("v4", "broken", "test")
    # The log's last line names v4, and v2 as the one before the champion.
    assert kept(settings, 1) == ["v1", "v2", "v4", "v7"]


def test_what_the_log_named_lately_stays(settings: Settings) -> None:
    deploy(settings, "v1", "v2", "v3", "v4").rollback("worse", "test")
    # Lines: v1; v2 after v1; v3 after v2; v4 after v3; back to v3, before it v2. The last two name v4, v3 and v2.
    assert kept(settings, 2) == ["v2", "v3", "v4", "v6", "v7"]


def test_the_newest_stay_though_nobody_deployed_them(settings: Settings) -> None:
    assert kept(settings, 3) == ["v5", "v6", "v7"]


def test_a_bento_goes_with_its_bundle(settings: Settings) -> None:
    deploy(settings, "v2")
    assert kept(settings, 1) == ["v2", "v7"]
    assert not bento(settings, "v1").exists()
    assert bento(settings, "v2").exists()


def test_a_rollback_still_finds_its_version_afterwards(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(settings, "v3", "v4")
    kept(settings, 1)
    main(["rollback", "--reason=worse"])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["version"] == "v3"


def test_a_version_that_this_code_cannot_read_is_deleted_like_any_other(settings: Settings) -> None:
    (ModelStore(settings.paths.bentoml).path("v1") / MANIFEST).write_text("{}")
    os.utime(ModelStore(settings.paths.bentoml).path("v1") / MANIFEST, (0, 0))
    assert kept(settings, 1) == ["v7"]


def test_a_second_time_deletes_nothing_more(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    kept(settings, 2)
    capsys.readouterr()
    assert kept(settings, 2) == ["v6", "v7"]
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"removed": [], "kept": ["v6", "v7"]}


def test_none_to_keep_is_refused(settings: Settings) -> None:
    with pytest.raises(SystemExit):
        main(["prune", "--keep=0"])
    assert len(ModelStore(settings.paths.bentoml).versions()) == 7


def test_the_version_of_a_running_experiment_stays_and_that_of_an_ended_one_goes(settings: Settings) -> None:
    settings.paths.announced_experiments.mkdir()
    for version, year in (("v1", 2999), ("v2", 2001)):
        variants = {"variants": [{"version": version}]}
        made = {"stopped_at": None, "ends_at": f"{year}-01-01T00:00:00", "experiment": variants}
        (settings.paths.announced_experiments / f"{version}.json").write_text(json.dumps(made))
    assert "v1" in kept(settings, 1)
    assert "v2" not in kept(settings, 1)
