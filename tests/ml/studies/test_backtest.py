"""Rolling origins: what is run again, what is reported, and that nothing else notices."""

import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from features.publication import Publication, write_record
from ml.config import Config, read_sources
from ml.data.splits import split
from ml.errors import NotEnoughDataError
from ml.evaluation.baselines import OWN_FREQUENCY, POPULARITY
from ml.evaluation.ground_truth import METRICS
from ml.evaluation.results import Results
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from ml.steps.whole_run import train_and_decide
from ml.studies import backtest as module
from ml.studies.backtest import (
    BacktestRun,
    TrainAndDecide,
    backtest,
    better_at_every_origin,
    is_done,
    mean_results,
    origin_summary,
    table,
)
from settings import Settings

AS_OF = date(2018, 1, 1)
CONFIG = Config(sources={"repeat_purchases": 10})
NAMES = [f"{part} {name}" for part, metrics in METRICS.items() for name in metrics]


def settings_in(folder: Path, snapshots: int = 21) -> Settings:
    features = folder / "features" / "2018-01-01-abc"
    features.mkdir(parents=True, exist_ok=True)
    (folder / "features" / "current").unlink(missing_ok=True)
    (folder / "features" / "current").symlink_to(features.name)
    instant = datetime(2018, 1, 1, 5)
    write_record(features, Publication(features.name, AS_OF, instant, content="", rows={}, published_at=instant))
    return Settings(data=folder, snapshots=snapshots)


def pretend_to_run(
    settings: Settings, config: Config, as_of: date, run_id: str, shift: int, level: float = 0.5
) -> None:
    """Write results without training: Reach has `level` everywhere, own frequency .4, popularity .2."""
    run = BacktestRun(settings.paths.runs, run_id)
    cuts = split(settings.snapshot_instants(as_of), config.training_windows, shift)
    RunSpec(run_id, as_of, settings.seed, "", "2018-01-01-abc", config, cuts).write(run)
    levels = {"reach": level, POPULARITY: 0.2, OWN_FREQUENCY: 0.4}
    results = Results(
        customer_ids=["1", "2", "3"],
        scores={m: {name: np.full(3, level) for name in NAMES} for m, level in levels.items()},
        coverage={m: {} for m in levels},
        candidate_recall={},
        ranker="dlrm",
        champion=None,
    )
    with run.publish_folder(artifacts.EVALUATION) as folder:
        results.save(folder)
    run.write_json(artifacts.GATE, {"publish": True, "reasons": ["Better."]})
    run.make_latest()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The shifts that were run."""
    shifts: list[int] = []

    def run(_: TrainAndDecide, settings: Settings, config: Config, as_of: date, run_id: str, shift: int) -> None:
        shifts.append(shift)
        pretend_to_run(settings, config, as_of, run_id, shift)

    monkeypatch.setattr(module, "_run_in_new_process", run)
    return shifts


def test_origins_lie_a_horizon_apart_and_each_evaluates_its_own_window(tmp_path, started):
    said = backtest(settings_in(tmp_path), CONFIG, AS_OF, 4, train_and_decide)
    assert started == [0, 4, 8, 12]
    written = json.loads((tmp_path / "runs" / "backtest.json").read_text())
    days = [(o["judged_from"], o["judged_until"]) for o in written["origins"]]
    assert days[0] == ("2017-12-04", "2017-12-31")
    assert days[3] == ("2017-09-11", "2017-10-08")
    # 21 snapshots: fewer are left to train on, the earlier the origin.
    assert [o["training_snapshots"]["retrieval"] for o in written["origins"]] == [8, 7, 6, 5]
    assert said["better_at_every_origin"]["all NDCG@10"] is True


def test_an_origin_that_is_decided_is_not_run_again(tmp_path, started):
    settings = settings_in(tmp_path)
    backtest(settings, CONFIG, AS_OF, 2, train_and_decide)
    (tmp_path / "runs" / "backtest-2018-01-01-04w-seed7" / artifacts.GATE).unlink()  # killed before the gate
    backtest(settings, CONFIG, AS_OF, 3, train_and_decide)
    assert started == [0, 4, 4, 8]


def test_an_origin_of_another_configuration_or_seed_is_run_again(tmp_path, started):
    settings = settings_in(tmp_path)
    backtest(settings, CONFIG, AS_OF, 1, train_and_decide)
    run = Run(settings.paths.runs, "backtest-2018-01-01-00w-seed7")
    cuts = split(settings.snapshot_instants(AS_OF), CONFIG.training_windows, 0)
    assert is_done(settings, CONFIG, run, cuts)
    assert not is_done(
        settings, CONFIG.model_copy(update={"sources": read_sources({"repeat_purchases": 11})}), run, cuts
    )
    assert not is_done(settings.model_copy(update={"seed": 8}), CONFIG, run, cuts)


def test_feature_tables_too_short_for_an_origin_are_reported_and_the_others_run(tmp_path, started):
    backtest(
        settings_in(tmp_path, snapshots=7), CONFIG, AS_OF, 2, train_and_decide
    )  # 12 weeks: evaluation 4, ranker 8, retrieval 12
    origins = json.loads((tmp_path / "runs" / "backtest.json").read_text())["origins"]
    assert started == [0]
    assert "snapshot" in origins[1]["not_enough_data"]
    assert "not enough data" in table(origins)
    with pytest.raises(NotEnoughDataError, match="snapshot"):
        backtest(settings_in(tmp_path, snapshots=6), CONFIG, AS_OF, 2, train_and_decide)


def test_an_origin_with_too_few_customers_is_reported_and_the_others_run(tmp_path, monkeypatch):
    def run(_: TrainAndDecide, settings: Settings, config: Config, as_of: date, run_id: str, shift: int) -> None:
        if shift:
            raise NotEnoughDataError("37 of 150 customers.")
        pretend_to_run(settings, config, as_of, run_id, shift)

    monkeypatch.setattr(module, "_run_in_new_process", run)
    backtest(settings_in(tmp_path), CONFIG, AS_OF, 2, train_and_decide)
    origins = json.loads((tmp_path / "runs" / "backtest.json").read_text())["origins"]
    assert origins[0]["customers"] == 3
    assert origins[1] == {"shift_weeks": 4, "not_enough_data": "37 of 150 customers."}


def test_every_seed_is_run_and_the_figures_are_their_mean(tmp_path, monkeypatch):
    levels = {7: 0.5, 8: 0.7}

    def run(_: TrainAndDecide, settings: Settings, config: Config, as_of: date, run_id: str, shift: int) -> None:
        pretend_to_run(settings, config, as_of, run_id, shift, levels[settings.seed])

    monkeypatch.setattr(module, "_run_in_new_process", run)
    backtest(settings_in(tmp_path), CONFIG, AS_OF, 1, train_and_decide, seeds=2)
    [origin] = json.loads((tmp_path / "runs" / "backtest.json").read_text())["origins"]
    assert origin["run_ids"] == ["backtest-2018-01-01-00w-seed7", "backtest-2018-01-01-00w-seed8"]
    assert origin["means"]["reach"]["all NDCG@10"] == pytest.approx(0.6)
    assert origin["lead"][OWN_FREQUENCY]["all NDCG@10"]["mean"] == pytest.approx(0.2)


def test_seeds_are_averaged_customer_by_customer_and_one_who_found_nothing_to_evaluate_stays_out():
    def results(values: list[float], union: float) -> Results:
        scores = {"reach": {"all NDCG@10": np.array(values)}}
        return Results(["1", "2", "3"], scores, {"reach": {}}, {"all": union}, "dlrm", None)

    mean = mean_results([results([0.2, 0.4, np.nan], 0.4), results([0.4, 0.4, np.nan], 0.5)])
    np.testing.assert_allclose(mean.scores["reach"]["all NDCG@10"], [0.3, 0.4, np.nan])
    assert mean.candidate_recall == {"all": pytest.approx(0.45)}


def test_runs_without_planned_promotions_lie_beside_the_others(tmp_path, started):
    settings = settings_in(tmp_path)
    backtest(settings, CONFIG, AS_OF, 1, train_and_decide)
    backtest(settings, CONFIG.model_copy(update={"promotions_known_in_advance": False}), AS_OF, 1, train_and_decide)
    assert started == [0, 0]
    runs = sorted(path.name for path in settings.paths.runs.glob("backtest-*"))
    assert runs == ["backtest-2018-01-01-00w-seed7", "backtest-2018-01-01-00w-seed7-without-plans"]


def test_a_backtest_never_becomes_the_latest_run(tmp_path, started):
    backtest(settings_in(tmp_path), CONFIG, AS_OF, 1, train_and_decide)
    assert not (tmp_path / "runs" / "latest").is_symlink()


def test_one_origin_without_a_lead_is_said(tmp_path, started):
    settings = settings_in(tmp_path)
    backtest(settings, CONFIG, AS_OF, 2, train_and_decide)
    found = [origin_summary([Run(settings.paths.runs, f"backtest-2018-01-01-{s:02}w-seed7")], s) for s in (0, 4)]
    assert found[0]["lead"][OWN_FREQUENCY]["all NDCG@10"]["mean"] == pytest.approx(0.1)  # .5 - .4
    found[1]["lead"][OWN_FREQUENCY]["all NDCG@10"]["low"] = 0.0
    said = better_at_every_origin(found)
    assert said["all NDCG@10"] is False
    assert said["explore Recall@100"] is True
    assert better_at_every_origin([])["all NDCG@10"] is False


def test_the_decision_of_an_older_run_does_not_outlive_the_start_of_a_new_one(tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    pretend_to_run(settings, CONFIG, AS_OF, "origin", 0)

    def killed(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ml.steps.build_dataset.build_dataset", killed)
    with pytest.raises(KeyboardInterrupt):
        module.run_origin(train_and_decide, settings, CONFIG, AS_OF, "origin", 0)
    assert not (settings.paths.runs / "origin" / artifacts.GATE).exists()
