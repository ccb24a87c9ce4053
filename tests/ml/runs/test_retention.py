"""Retention deletes parts of ended runs, and never the needed ones."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ml.errors import RunError
from ml.ranking.examples import load_examples
from ml.runs import artifacts
from ml.runs.retention import KeptRun, Retention, choose, load_retention
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from ml.steps.prune import prune
from registry.model_store import ModelStore
from settings import Settings
from tests.support.ml.small_run import write_run
from tests.support.serving.small_bundle import write_bundle

NOW = datetime(2018, 3, 1)
POLICY = Retention(keep_runs=3, keep_datasets=2, keep_candidates=0, unfinished_days=2)


def ended(days_ago: float, verdict: bool = True) -> KeptRun:
    return KeptRun(f"r{days_ago:g}", verdict, NOW - timedelta(days=days_ago))


def test_the_newest_runs_keep_most() -> None:
    choice = choose([ended(4), ended(1), ended(3), ended(2)], [], POLICY, NOW)
    assert choice.candidates == ["r1", "r2", "r3", "r4"]
    assert choice.datasets == ["r3", "r4"]
    assert choice.folders == ["r4"]


def test_the_folder_of_a_needed_run_stays() -> None:
    assert choose([ended(d) for d in range(1, 7)], ["r5"], POLICY, NOW).folders == ["r4", "r6"]


def test_a_run_without_a_verdict_keeps_everything_until_it_is_given_up() -> None:
    young, old = ended(1.9, verdict=False), ended(2.1, verdict=False)
    assert choose([young, old], [], POLICY, NOW).candidates == ["r2.1"]


def test_the_policy_that_ships_is_valid() -> None:
    assert load_retention().keep_runs >= 1


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Ended runs a, b, c and d, d the newest and `latest`; version v1 of run a is in the model store."""
    settings = Settings(data=tmp_path)
    for age, run_id in enumerate("dcba", start=1):
        run = write_run(settings.paths.runs / "made" / run_id, run_id)
        run.folder.rename(settings.paths.runs / run_id)
        made = Run(settings.paths.runs, run_id)
        made.write_json(artifacts.GATE, {"publish": True})
        then = (NOW - timedelta(days=age)).timestamp()
        for file in made.folder.iterdir():
            os.utime(file, (then, then))
    Run(settings.paths.runs, "d").make_latest()
    bundle = write_bundle(tmp_path / "bundle", "a")
    ModelStore(settings.paths.bentoml).put(bundle, "a")
    return settings


def test_pruning_frees_the_bulk_and_keeps_what_people_read(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    size = sum(f.stat().st_size for f in (settings.paths.runs / "d" / artifacts.CANDIDATES).rglob("*") if f.is_file())
    result = prune(settings, POLICY, NOW)
    left = {run_id: {part.name for part in (settings.paths.runs / run_id).iterdir()} for run_id in result["kept"]}
    assert sorted(left) == ["a", "b", "c", "d"]  # a: its version may be rolled back to
    assert all(artifacts.CANDIDATES not in parts for parts in left.values())
    assert [run_id for run_id, parts in left.items() if artifacts.DATASET in parts] == ["c", "d"]
    assert all(
        {artifacts.RUN_SPEC, artifacts.GATE, artifacts.RETRIEVAL, artifacts.SELECTED_RANKER} <= parts
        for parts in left.values()
    )
    assert result["freed"]["d/candidates"] == size
    assert result["freed_bytes"] == sum(result["freed"].values())
    assert f"Deleted d/candidates: {size / 1e6:,.1f} MB." in capsys.readouterr().out


def test_a_run_that_is_too_old_is_deleted_whole(settings: Settings) -> None:
    ModelStore(settings.paths.bentoml).remove("a")
    assert prune(settings, POLICY, NOW)["kept"] == ["b", "c", "d"]


def test_the_latest_run_stays_however_old_it_is(settings: Settings) -> None:
    Run(settings.paths.runs, "b").make_latest()
    assert "b" in prune(settings, POLICY.model_copy(update={"keep_runs": 1}), NOW)["kept"]


def test_a_killed_pruning_is_finished_by_the_next(settings: Settings) -> None:
    part = settings.paths.runs / "d" / artifacts.CANDIDATES
    part.rename(part.with_name(f".deleted-{part.name}"))
    assert "d/.deleted-candidates" in prune(settings, POLICY, NOW)["freed"]
    assert not list(settings.paths.runs.rglob(".deleted-*"))


def test_a_step_that_misses_a_deleted_part_names_the_command_that_makes_it(settings: Settings) -> None:
    prune(settings, POLICY, NOW)
    run = Run(settings.paths.runs, "d")
    with pytest.raises(RunError, match="python -m ml generate-candidates --run-id d"):
        load_examples(run, RunSpec.read(run))


def test_folders_that_no_run_made_are_left_alone(settings: Settings) -> None:
    (settings.paths.runs / "notes").mkdir()
    (settings.paths.runs / "backtest.json").write_text(json.dumps({}))
    prune(settings, POLICY.model_copy(update={"keep_runs": 1}), NOW)
    assert (settings.paths.runs / "notes").is_dir()
    assert (settings.paths.runs / "backtest.json").is_file()
