"""The study: what it starts with, what it gives up, and that it goes on where it stopped."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from ml.config import Config, RankingConfig
from ml.data.splits import Split
from ml.errors import DivergenceError, NotEnoughDataError
from ml.evaluation.ground_truth import GroundTruth
from ml.runs.spec import RunSpec
from ml.steps.whole_run import prepare_candidates
from settings import Settings

optuna = pytest.importorskip("optuna", reason="the dependency group 'tuning'")

from ml.studies import tuning  # noqa: E402 - needs Optuna
from ml.studies.tuning import (  # noqa: E402
    OBJECTIVE,
    SPACE,
    RankerValidation,
    finished,
    open_study,
    summary,
    toml,
    try_one,
)

CURRENT = RankingConfig(epochs=5, learning_rate=0.001, softmax_loss_weight=0.25)


def spec_of(**changes) -> RunSpec:
    config = Config(**{"sources": {"repeat_purchases": 5}, "ranking": CURRENT} | changes)
    split = Split(datetime(2018, 1, 1), datetime(2017, 11, 6), [], [])
    return RunSpec("tune", date(2018, 1, 1), 7, "", "features", config, split)


def scores(value: float) -> dict[str, float]:
    return dict.fromkeys(OBJECTIVE, value / len(OBJECTIVE))


def better_with_more_softmax(parameters, after_epoch):
    for epoch in range(1, parameters["epochs"] + 1):
        after_epoch(epoch, parameters["softmax_loss_weight"])


def test_the_study_starts_with_the_current_configuration_and_never_ends_below_it(tmp_path: Path):
    study, spec = open_study(tmp_path / "s.db", "dlrm", spec_of()), spec_of()
    for _ in range(6):
        try_one(study, better_with_more_softmax, scores)
    found = summary(study, spec, "dlrm")
    assert found["current"]["parameters"] == {name: getattr(CURRENT, name) for name in SPACE}
    assert found["current"]["value"] == pytest.approx(0.25)
    assert found["best"]["value"] == pytest.approx(max(trial.params["softmax_loss_weight"] for trial in study.trials))
    assert found["best"]["scores"] == pytest.approx(scores(found["best"]["value"]))
    assert found["window"] == ["2017-11-06", "4 weeks"]


def test_a_hopeless_trial_is_ended_before_its_last_epoch(tmp_path: Path):
    study, seen = open_study(tmp_path / "s.db", "dlrm", spec_of()), []

    def train(parameters, after_epoch):
        value = 0.0 if len(study.trials) == 6 else 1.0
        for epoch in range(1, 4):
            seen.append((len(study.trials), epoch))
            after_epoch(epoch, value)

    for _ in range(6):
        try_one(study, train, scores)
    assert [epoch for number, epoch in seen if number == 5] == [1, 2, 3]
    assert [epoch for number, epoch in seen if number == 6] == [1, 2]
    assert study.trials[5].state.name == "PRUNED"
    assert finished(study) == 6


def test_a_diverging_trial_does_not_end_the_study(tmp_path: Path):
    study = open_study(tmp_path / "s.db", "dlrm", spec_of())

    def diverge(parameters, after_epoch):
        raise DivergenceError("The loss became nan")

    try_one(study, diverge, scores)
    try_one(study, better_with_more_softmax, scores)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "COMPLETE"]


def test_a_killed_study_goes_on_and_proposes_something_new(tmp_path: Path):
    study = open_study(tmp_path / "s.db", "dlrm", spec_of())
    try_one(study, better_with_more_softmax, scores)
    try_one(study, better_with_more_softmax, scores)
    with pytest.raises(KeyboardInterrupt):
        try_one(study, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt), scores)
    again = open_study(tmp_path / "s.db", "dlrm", spec_of())
    assert [trial.state.name for trial in again.trials] == ["COMPLETE", "COMPLETE", "FAIL"]
    assert finished(again) == 2
    try_one(again, better_with_more_softmax, scores)
    assert again.trials[3].params not in [trial.params for trial in again.trials[:3]]


def test_other_candidates_or_features_are_another_study(tmp_path: Path):
    study = open_study(tmp_path / "s.db", "dlrm", spec_of())
    try_one(study, better_with_more_softmax, scores)
    other = spec_of(sources={"item_to_item": {"regularisation": 100.0}})
    assert finished(open_study(tmp_path / "s.db", "dlrm", other)) == 0
    assert finished(open_study(tmp_path / "s.db", "wide_deep", spec_of())) == 0
    assert finished(open_study(tmp_path / "s.db", "dlrm", spec_of())) == 1


def test_every_searched_parameter_is_one_of_the_configuration():
    assert set(SPACE) <= set(RankingConfig.model_fields)


def test_the_best_is_printed_as_configuration():
    assert toml({"epochs": 7, "learning_rate": 0.0015}) == "[ranking]\nepochs = 7\nlearning_rate = 0.0015"


def test_validation_evaluates_the_candidates_in_the_models_order():
    """Two customers; the first has candidates 4 (own), 2 and 3, the second 1 and 0."""
    validation = RankerValidation(
        numeric=np.arange(5, dtype=np.float32)[:, None],
        categorical=np.zeros((5, 1), np.int32),
        positions=np.array([4, 2, 3, 1, 0]),
        is_repeat=np.array([True, False, False, False, False]),
        popularity=np.array([1.0, 5.0, 9.0, 2.0, 7.0]),
        ends=np.array([3, 5]),
        truth=GroundTruth(
            ["a", "b"], [np.array([3, 4]), np.array([0, 9])], [np.array([4]), np.array([], int)], np.array([0, 0])
        ),
    )
    values = np.array([[3.0, 3.0], [1.0, 1.0], [1.0, 1.0], [0.0, 2.0], [0.0, 1.0]])
    slates = validation.slates(values)
    # Ties go to the more popular: 3 before 2, and for the second customer 0 before 1 in `all`.
    assert slates["all"].positions[:, :3].tolist() == [[4, 3, 2], [0, 1, -1]]
    assert slates["explore"].positions[:, :3].tolist() == [[3, 2, -1], [1, 0, -1]]
    found = validation.scores(lambda numeric, categorical: values[numeric[:, 0].astype(int)])
    # The first customer's two are found, of the second's {0, 9} only 0: (1 + 1/2) / 2.
    assert found["all Recall@20"] == pytest.approx(0.75)


def test_the_budget_ends_the_study_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tuning, "_prepared", lambda *_: spec_of())
    monkeypatch.setattr(tuning.RankerValidation, "of", lambda *_: None)
    monkeypatch.setattr(tuning, "load_examples", lambda *_: [])
    monkeypatch.setattr(tuning.Vocabulary, "load", lambda *_: None)
    monkeypatch.setattr(tuning.Run, "path", lambda self, name: tmp_path)
    (tmp_path / "runs" / "tune-2018-01-01").mkdir(parents=True)
    with pytest.raises(NotEnoughDataError, match="within 0 minutes"):
        tuning.tune(
            Settings(data=tmp_path), spec_of().config, date(2018, 1, 1), "dlrm", 3, 0.0, False, prepare_candidates
        )
