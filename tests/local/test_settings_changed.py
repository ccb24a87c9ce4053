"""A changed setting restarts what it concerns, or is refused with what to do."""

import os
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from local.__main__ import main
from local.airflow.stack import COMPONENTS, Airflow
from local.effective import differences, effective
from local.errors import NoKeyError, NotRunningError, SettingsChangedError
from local.processes import Programs
from local.service import NAME, Service
from local.start import require_idle
from settings import SERVICE_SETTINGS, Settings
from tests.support.local.scripted_airflow import ScriptedAirflow

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
HASH_OF_A_KEY = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"  # SHA-256 of "key"


def settings_of(tmp_path: Path, **values: Any) -> Settings:
    return Settings(data=tmp_path / "data", **values)


@pytest.fixture
def programs(tmp_path: Path) -> Any:
    programs = Programs(tmp_path / "data")
    yield programs
    programs.stop_all()


def start(programs: Programs, name: str, settings: Settings, tmp_path: Path, only: Any = None) -> None:
    programs.start(name, SLEEP, dict(os.environ), cwd=tmp_path, settings=effective(settings, only))


def test_another_landing_is_seen_while_airflow_runs_on_the_first(tmp_path: Path, programs: Programs) -> None:
    first, second = settings_of(tmp_path), settings_of(tmp_path, landing=tmp_path / "second")
    start(programs, "scheduler", first, tmp_path)
    assert Airflow(first, programs).changed_settings() == []
    [changed] = Airflow(second, programs).changed_settings()
    assert changed == f"REACH_LANDING was not set and is now {tmp_path / 'second'}"


def test_of_a_stopped_airflow_no_setting_differs(tmp_path: Path, programs: Programs) -> None:
    start(programs, "scheduler", settings_of(tmp_path), tmp_path)
    programs.stop("scheduler")
    assert Airflow(settings_of(tmp_path, seed=8), programs).changed_settings() == []


def test_api_keys_are_a_change_of_the_service_and_other_days_are_not(tmp_path: Path, programs: Programs) -> None:
    start(programs, NAME, settings_of(tmp_path), tmp_path, SERVICE_SETTINGS)
    [changed] = Service(settings_of(tmp_path, api_keys="shop:recommend:abc"), programs).changed_settings()
    assert changed == "REACH_API_KEYS was not set and is now set"
    assert Service(settings_of(tmp_path, seed=8), programs).changed_settings() == []


def test_no_secret_is_kept_or_shown(tmp_path: Path, programs: Programs) -> None:
    first, second = (settings_of(tmp_path, redis_password=word) for word in ("first-secret", "second-secret"))
    start(programs, NAME, first, tmp_path, SERVICE_SETTINGS)
    kept = (tmp_path / "data" / "processes" / f"{NAME}.json").read_text()
    assert "first-secret" not in kept
    assert Service(second, programs).changed_settings() == ["REACH_REDIS_PASSWORD was set and is now another"]


def test_airflow_is_not_restarted_under_a_run_with_other_settings(tmp_path: Path) -> None:
    airflow = ScriptedAirflow()
    airflow.add("retrain_recommender", "a run", "running")
    with pytest.raises(SettingsChangedError, match=r"REACH_SEED was 7 and is now 8.*a run.*make down"):
        require_idle(airflow.api, ["REACH_SEED was 7 and is now 8"])
    airflow.known["retrain_recommender"][0]["state"] = "success"
    require_idle(airflow.api, ["REACH_SEED was 7 and is now 8"])


def test_a_command_for_the_running_airflow_refuses_other_settings(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in COMPONENTS:
        start(programs, name, settings_of(tmp_path), tmp_path)
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REACH_SNAPSHOTS", "9")
    assert main(["run", "build_features"]) == 1
    assert "REACH_SNAPSHOTS was 21 and is now 9" in capsys.readouterr().err


def test_without_airflow_a_command_says_what_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    assert main(["run", "build_features"]) == 1
    assert capsys.readouterr().err.startswith("error: Airflow does not run: 'make demo' starts it")


def test_a_part_of_airflow_that_never_started_has_no_log_to_show(tmp_path: Path, programs: Programs) -> None:
    start(programs, "scheduler", settings_of(tmp_path), tmp_path)
    airflow = Airflow(settings_of(tmp_path), programs)
    with pytest.raises(Exception, match="dag-processor has ended"):
        airflow.require_started()
    programs.stop("scheduler")
    with pytest.raises(NotRunningError):
        airflow.require_started()


@pytest.mark.parametrize(("key", "sentence"), [(None, "holds none"), ("another", "not the key of any entry")])
def test_a_missing_or_wrong_key_is_named_before_anything_starts(tmp_path: Path, key: str, sentence: str) -> None:
    settings = settings_of(tmp_path, api_keys=f"shop:recommend:{HASH_OF_A_KEY}", client_api_key=key)
    with pytest.raises(NoKeyError, match=f"REACH_CLIENT_API_KEY.*{sentence}"):
        Service(settings, cast(Programs, None)).require_key()


def test_the_right_key_or_no_keys_at_all_are_fine(tmp_path: Path) -> None:
    for values in ({}, {"api_keys": f"shop:recommend:{HASH_OF_A_KEY}", "client_api_key": "key"}):
        Service(settings_of(tmp_path, **values), cast(Programs, None)).require_key()


def test_a_landing_that_does_not_exist_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REACH_LANDING", str(tmp_path / "nowhere"))
    assert main(["start"]) == 1
    assert f"REACH_LANDING is {tmp_path / 'nowhere'}, which is not a folder" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_cannot_be_made_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "file" / "data"))
    assert main(["start"]) == 1
    assert str(tmp_path / "file" / "data") in capsys.readouterr().err


def test_status_shows_what_each_part_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "runs").mkdir(parents=True)
    (tmp_path / "data" / "runs" / "lists").write_bytes(b"x" * 3 * 1024**2)
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    assert main(["status"]) == 0
    printed = capsys.readouterr().out
    assert "runs                 3.0 MiB" in printed
    assert "GiB free" in printed


def test_equal_settings_do_not_differ(tmp_path: Path) -> None:
    assert differences(effective(settings_of(tmp_path)), effective(settings_of(tmp_path))) == []
