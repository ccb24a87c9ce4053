"""Scores of ranked lists, worked out by hand."""

from collections.abc import Callable
from math import log2

import numpy as np
import pytest

from ml.evaluation.ground_truth import GroundTruth, RankedLists, coverages, evaluate_lists, hit_matrix
from ml.metrics import average_precision, coverage, hit_rate, ndcg, recall


def hits(*ranks: int) -> np.ndarray:
    """One customer's row of hits at these ranks (1 the first)."""
    row = np.zeros((1, 100), bool)
    row[0, [rank - 1 for rank in ranks]] = True
    return row


def test_ndcg_discounts_by_rank_and_cuts_the_ideal_at_k():
    # found at ranks 1 and 3; three were there to find, so the ideal fills ranks 1 to 3
    ideal = 1 + 1 / log2(3) + 1 / log2(4)
    assert ndcg(hits(1, 3), np.array([3]), 10)[0] == pytest.approx((1 + 1 / log2(4)) / ideal)
    # with twenty to find, the ideal has no more than the ten places
    full = sum(1 / log2(rank + 1) for rank in range(1, 11))
    assert ndcg(hits(1), np.array([20]), 10)[0] == pytest.approx(1 / full)


def test_recall_divides_by_everything_there_was_to_find():
    assert recall(hits(2, 20, 21), np.array([8]), 20)[0] == pytest.approx(2 / 8)


def test_average_precision_divides_by_what_fits():
    # precision 1/1 at rank 1 and 2/3 at rank 3; two to find
    assert average_precision(hits(1, 3), np.array([2]), 12)[0] == pytest.approx((1 + 2 / 3) / 2)


def test_a_customer_with_nothing_to_find_is_not_evaluated():
    assert np.isnan(recall(hits(), np.array([0]), 20)[0])
    assert np.isnan(hit_rate(hits(), np.array([0]), 10)[0])


def test_coverage_counts_different_products_and_no_gaps():
    assert coverage(np.array([[4, 2, -1], [2, 9, 7]]), 2) == 3


@pytest.fixture
def truth() -> GroundTruth:
    """One customer who had bought 1 and 2, then bought 2, 3 and one product outside the catalogue."""
    return GroundTruth(["c"], [np.array([2, 3])], [np.array([1, 2])], np.array([1]))


def test_unknown_products_stay_in_the_denominator_but_not_among_repeats(truth: GroundTruth):
    slates = {slate: RankedLists.of([np.array([2, 3, 1])], [np.array([3.0, 2.0, 1.0])]) for slate in ("all", "explore")}
    scores = evaluate_lists(truth, slates)
    assert scores["all Recall@20"][0] == pytest.approx(2 / 3)
    assert scores["repeat Recall@20"][0] == pytest.approx(1 / 1)
    assert scores["explore Recall@100"][0] == pytest.approx(1 / 2)
    assert coverages(slates)["all coverage@10"] == 3


def test_what_one_customer_bought_is_no_hit_for_another():
    positions = np.array([[0, 5, -1], [5, 0, -1]])
    hits = hit_matrix(positions, [np.array([0]), np.array([7, 5])])
    assert hits.tolist() == [[True, False, False], [True, False, False]]


def test_where_a_list_ends_nothing_is_found():
    # -1 must not be taken for the last product of the customer before
    assert hit_matrix(np.array([[3], [-1]]), [np.array([3]), np.array([], np.int64)]).tolist() == [[True], [False]]


def by_definition(name: str, listed: list[int], bought: set[int], k: int) -> float:
    """A metric of one customer, written out from its definition with loops and no arrays."""
    ranks = [rank for rank, product in enumerate(listed[:k], start=1) if product in bought]
    if name == "ndcg":
        ideal = sum(1 / log2(rank + 1) for rank in range(1, min(len(bought), k) + 1))
        return sum(1 / log2(rank + 1) for rank in ranks) / ideal
    if name == "recall":
        return len(ranks) / len(bought)
    if name == "hit_rate":
        return float(len(ranks) > 0)
    precisions = [(index + 1) / rank for index, rank in enumerate(ranks)]
    return sum(precisions) / min(len(bought), k)


@pytest.mark.parametrize("metric", [ndcg, recall, average_precision, hit_rate])
@pytest.mark.parametrize("k", [1, 10, 20, 100])
def test_every_metric_equals_a_second_implementation_on_random_lists(metric: Callable[..., np.ndarray], k: int):
    rng = np.random.default_rng(5)
    lists = np.stack([rng.permutation(300)[:100] for _ in range(60)])
    bought = [rng.permutation(300)[: rng.integers(1, 60)] for _ in range(60)]
    hits = hit_matrix(lists, bought)
    values = metric(hits, np.array([len(items) for items in bought]), k)
    expected = [
        by_definition(metric.__name__.replace("average_precision", "map"), row.tolist(), set(items.tolist()), k)
        for row, items in zip(lists, bought, strict=True)
    ]
    np.testing.assert_allclose(values, expected)
