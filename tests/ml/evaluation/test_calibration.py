"""Scores become probabilities, and how far those are off is measured."""

import numpy as np
import pytest

from ml.evaluation.calibration import Curve, bins, calibrate, expected_error, listed
from ml.evaluation.ground_truth import GroundTruth, RankedLists
from ml.ranking.examples import RankingExamples


def test_a_curve_rises_and_gives_the_shares_it_saw():
    scores = np.array([0.0, 1.0, 2.0, 3.0])
    curve = Curve.fit(scores, np.array([False, True, False, True]), np.ones(4))
    # 1 and 2 violate the order: they share (1 + 0) / 2 at their mean score
    assert curve(np.array([-5.0, 0.0, 1.5, 3.0, 9.0])).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_a_sampled_product_counts_for_those_it_stands_for():
    scores, bought = np.array([1.0, 1.0]), np.array([True, False])
    assert Curve.fit(scores, bought, np.array([1.0, 3.0]))(np.array([1.0])).tolist() == [0.25]


def test_the_expected_error_is_the_mean_distance_of_the_bins():
    predicted = np.array([0.1, 0.1, 0.8, 0.8])
    bought = np.array([False, False, True, True])
    # two bins of two: |0 - .1| and |1 - .8|, half each
    assert expected_error(bins(predicted, bought, number=2)) == pytest.approx(0.15)


def test_what_is_calibrated_on_one_sample_is_calibrated_on_the_next():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=40_000)
    bought = rng.random(40_000) < 1 / (1 + np.exp(1 - scores))
    curve = Curve.fit(scores[:20_000], bought[:20_000], np.ones(20_000))
    assert expected_error(bins(curve(scores[20_000:]), bought[20_000:])) < 0.02
    assert expected_error(bins(np.full(20_000, 0.9), bought[20_000:])) > 0.3


HELD_OUT = [(0, 0), (0, 1)]


def examples(weight: float = 1.0) -> list[RankingExamples]:
    """Two customers with three candidates each; the first feature is the score, the first candidate their own."""
    numeric = np.array([[3], [1], [2], [3], [1], [2]], np.float32)
    bought = np.array([True, False, False, True, False, True])
    own = np.array([True, False, False] * 2)
    return [
        RankingExamples(
            numeric=numeric,
            categorical=np.zeros((6, 1), np.int32),
            bought=bought,
            is_repeat=own,
            weight=np.full(6, weight, np.float32),
            ends=np.array([3, 6]),
            relevant=np.zeros((2, 2), np.int64),
        )
    ]


def ranker(numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
    return np.column_stack([numeric[:, 0], 10 + numeric[:, 0]])


def test_older_lists_do_not_speak():
    assert len(listed(examples() * 2, [(0, 0), (1, 0), (1, 1)], ranker)["all"][0]) == 3


def test_only_what_a_slate_may_list_is_learned_from():
    found = listed(examples(), HELD_OUT, ranker)
    assert found["all"][0].tolist() == [3, 2, 1, 3, 2, 1]
    assert found["all"][1].tolist() == [True, False, False, True, True, False]
    assert found["explore"][0].tolist() == [12, 11, 12, 11]  # without their own, by the other head
    assert found["explore"][1].tolist() == [False, False, True, False]


def test_a_list_ends_where_its_sampled_products_fill_it():
    # each stands for 60: the second begins within the first 100 places, the third does not
    assert listed(examples(weight=60.0), HELD_OUT, ranker)["all"][0].tolist() == [3, 2, 3, 2]


def test_only_held_out_lists_are_learned_from():
    assert len(listed(examples(), [(0, 1)], ranker)["all"][0]) == 3


def test_a_window_in_which_other_things_are_bought_is_reported_as_error():
    truth = GroundTruth(["a"], [np.array([5])], [np.array([7])], np.zeros(1))
    right = RankedLists.of([np.array([5, 6])], [np.array([3.0, 1.0])])
    wrong = RankedLists.of([np.array([6, 5])], [np.array([3.0, 1.0])])
    explore = RankedLists.of([np.array([6])], [np.array([11.0])])
    errors = [
        calibrate(examples(), HELD_OUT, ranker, truth, {"all": lists, "explore": explore})["all"].ece
        for lists in (right, wrong)
    ]
    assert errors == [0.0, 1.0]
