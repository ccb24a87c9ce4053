"""The gate measures its own error rates: equals and losses are rejected, gains are accepted, leaks are named."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ml.evaluation.calibration import SlateCalibration
from ml.evaluation.ground_truth import evaluate_lists
from ml.evaluation.serving_checks import ServingMeasurements
from ml.gate.evidence import EvaluationChecks
from ml.gate.policy import load_policy
from ml.gate.synthetic_effects import resample, shift_metric, swap_lists
from ml.studies.gate_error_rates import GateExperiment, error_rates
from tests.support.ml.purchase_days import Shop

POLICY = load_policy()
PRIMARY = "all NDCG@10"


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop.open(customers=600)


@pytest.fixture(scope="module")
def window(shop: Shop) -> GateExperiment:
    truth = shop.truth()
    n, one = len(truth.customer_ids), shop.lists(truth, 0.6)
    return GateExperiment(
        truth=truth,
        models={"one": one, "two": {**one, "all": shop.lists(truth, 0.61)["all"]}},
        rules={"popularity": shop.lists(truth, np.nan), "decayed own frequency": shop.lists(truth, 0.0)},
        assigned={"half": np.where(np.arange(n) % 2 == 0, "even", "odd")},
        checks=EvaluationChecks(
            [],
            {slate: SlateCalibration(0.0, []) for slate in ("all", "explore")},
            ServingMeasurements(1.0, 10.0, 10.0, 10.0),
        ),
    )


def test_the_reduced_check_keeps_its_promises(shop: Shop, window: GateExperiment):
    rates, words = error_rates(window, shop.purchases(), POLICY, comparisons=20, seed=7)
    assert rates["aa_comparisons"] == 20
    assert rates["aa_promoted"] <= 0.1, words  # one in twenty may be chance
    assert rates["losses_blocked"] == 1.0, words
    assert rates["gains_promoted"] >= 0.8, words
    assert (rates["leaks_planted"], rates["leaks_stopped"]) == (3, 3), words
    assert any(word.startswith("the test window in training: Leak:") for word in words)


def test_a_gate_that_asks_for_too_little_is_shown_up(shop: Shop, window: GateExperiment):
    careless = POLICY.model_copy(update={"confidence": 0.3, "non_inferiority_margins": {}})
    rates, _ = error_rates(window, shop.purchases(), careless, comparisons=20, seed=7)
    assert rates["aa_promoted"] > 0.2


@pytest.mark.parametrize("by", [-0.010, 0.015])
def test_what_is_planted_is_what_is_measured(window: GateExperiment, by: float):
    lists = window.models["one"]
    planted = shift_metric(window.truth, lists, by, np.random.default_rng(1))
    before, after = evaluate_lists(window.truth, lists), evaluate_lists(window.truth, planted)
    assert np.nanmean(after[PRIMARY] - before[PRIMARY]) == pytest.approx(by, rel=0.15)
    assert (after["explore Recall@100"] == before["explore Recall@100"])[~np.isnan(before["explore Recall@100"])].all()
    for row in planted["all"].positions:
        assert len(np.unique(row[row >= 0])) == (row >= 0).sum()


def test_lists_that_hold_no_hits_cannot_lose_any(window: GateExperiment):
    empty = replace(window.truth, bought=[np.zeros(0, np.int64)] * 3, missing=np.ones(3, int))
    lists = {slate: replace(found, positions=found.positions[:3]) for slate, found in window.models["one"].items()}
    with pytest.raises(ValueError, match=r"cannot be moved by -0\.01"):
        shift_metric(empty, lists, -0.01, np.random.default_rng(1))


def test_a_resample_shows_the_same_products_in_another_order(window: GateExperiment):
    lists = window.models["one"]["all"].positions
    drawn = resample(window.models["one"], np.random.default_rng(1))["all"].positions
    assert (np.sort(drawn, axis=1) == np.sort(lists, axis=1)).all()
    assert (drawn[:, :10] != lists[:, :10]).any(axis=1).mean() > 0.5


def test_exchanged_lists_are_the_two_models_lists_and_each_has_half(window: GateExperiment):
    one, two = window.models["one"], window.models["two"]
    first, second = swap_lists(one, two, np.random.default_rng(1))
    kept = (first["all"].positions == one["all"].positions).all(axis=1)
    swapped = (first["all"].positions == two["all"].positions).all(axis=1)
    assert (kept | swapped).all()
    assert not kept.all()
    assert not swapped.all()
    assert (second["all"].positions[kept & ~swapped] == two["all"].positions[kept & ~swapped]).all()


def test_the_check_needs_no_tensorflow():
    code = "import ml.studies.gate_error_rates, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
