"""Valid results are reused, running builds are followed, and nothing is started twice."""

from pathlib import Path

import pytest

from local.airflow.timing import Stages
from local.build.build import Builder
from local.build.fingerprint import BuildInputs
from local.errors import RunFailedError
from tests.support.local.scripted_airflow import MemoryBuildCache, ScriptedAirflow

INPUTS = BuildInputs(features="features", model="model")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def build(airflow: ScriptedAirflow, cache: MemoryBuildCache, force: bool = False) -> tuple[str, list[str]]:
    printed_lines: list[str] = []
    builder = Builder(airflow.api, airflow.airflow, cache.cache, Stages(Path("data")), printed_lines.append)
    return builder.build(INPUTS, None, force), printed_lines


def test_what_is_valid_is_used_again() -> None:
    airflow = ScriptedAirflow()
    run_id, printed_lines = build(airflow, MemoryBuildCache("features", "model"))
    assert run_id == "an earlier run"
    assert airflow.triggered == []
    assert sum("used again" in line for line in printed_lines) == 2


def test_from_nothing_the_features_start_the_model_by_themselves() -> None:
    airflow, cache = ScriptedAirflow(), MemoryBuildCache()
    run_id, _ = build(airflow, cache)
    assert run_id == "run of by asset"
    assert airflow.triggered == ["build_features"]
    assert cache.has_features("features")
    assert cache.run_of("model")


def test_an_earlier_run_by_asset_is_not_taken_for_the_new_one() -> None:
    airflow = ScriptedAirflow()
    airflow.add("retrain_recommender", "an old one", "success", "asset_triggered")
    airflow.add("build_features", "filler", "success")
    run_id, _ = build(airflow, MemoryBuildCache())
    assert run_id == "run of by asset"


def test_valid_features_are_used_for_another_model() -> None:
    airflow = ScriptedAirflow()
    build(airflow, MemoryBuildCache("features", "another model"))
    assert airflow.triggered == ["retrain_recommender"]


def test_force_makes_all_anew() -> None:
    airflow = ScriptedAirflow()
    build(airflow, MemoryBuildCache("features", "model"), force=True)
    assert airflow.triggered == ["build_features"]


def test_a_build_under_way_from_the_same_is_followed() -> None:
    airflow, cache = ScriptedAirflow(), MemoryBuildCache()
    airflow.add("build_features", "begun before", "running")
    cache.save_started("build_features", "features", "begun before")
    build(airflow, cache)
    assert airflow.triggered == []


def test_a_build_under_way_from_other_data_is_not_followed() -> None:
    airflow, cache = ScriptedAirflow(), MemoryBuildCache()
    airflow.add("build_features", "begun before", "running")
    cache.save_started("build_features", "other features", "begun before")
    build(airflow, cache)
    assert airflow.triggered == ["build_features"]


def test_a_build_that_failed_is_started_again() -> None:
    airflow, cache = ScriptedAirflow(), MemoryBuildCache()
    airflow.add("build_features", "begun before", "failed")
    cache.save_started("build_features", "features", "begun before")
    build(airflow, cache)
    assert airflow.triggered == ["build_features"]


def test_a_retraining_that_the_features_have_started_is_followed() -> None:
    airflow = ScriptedAirflow()
    airflow.add("retrain_recommender", "by itself", "running", "asset_triggered")
    run_id, _ = build(airflow, MemoryBuildCache("features"))
    assert run_id == "run of by itself"
    assert airflow.triggered == []


def test_a_day_that_was_refused_builds_nothing_anew_afterwards() -> None:
    """`make demo AS_OF=2030-01-01` ends red at its checks; `make demo` then reuses the earlier results."""
    airflow, cache = ScriptedAirflow(), MemoryBuildCache("features", "model")
    airflow.end = "failed"
    builder = Builder(airflow.api, airflow.airflow, cache.cache, Stages(Path("data")), lambda line: None)
    with pytest.raises(RunFailedError):
        builder.build(BuildInputs(features="of another day", model="of another day"), "2030-01-01", force=False)
    airflow.triggered.clear()
    assert build(airflow, cache)[0] == "an earlier run"
    assert airflow.triggered == []


def test_the_scores_that_the_features_started_are_followed_even_if_they_have_ended() -> None:
    airflow, cache = ScriptedAirflow(), MemoryBuildCache()
    builder = Builder(airflow.api, airflow.airflow, cache.cache, Stages(Path("data")), lambda line: None)
    builder.build(INPUTS, None, force=False)
    airflow.add("score_customers", "by itself", "success", "asset_triggered")
    builder.build_scores(INPUTS)
    assert airflow.triggered == ["build_features"]
    assert cache.has_scores("model")
    builder = Builder(airflow.api, airflow.airflow, cache.cache, Stages(Path("data")), lambda line: None)
    builder.build_scores(INPUTS)
    assert airflow.triggered == ["build_features"]


def test_scores_of_another_model_are_made_anew() -> None:
    airflow, cache = ScriptedAirflow(), MemoryBuildCache("features", "model")
    builder = Builder(airflow.api, airflow.airflow, cache.cache, Stages(Path("data")), lambda line: None)
    builder.build(INPUTS, None, force=False)
    builder.build_scores(INPUTS)
    assert airflow.triggered == ["score_customers"]
