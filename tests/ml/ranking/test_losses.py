"""Listwise losses on lists small enough to do on paper."""

from math import exp, log, log2

import numpy as np
import pytest

from ml.ranking.losses import approximate_ndcg, softmax


def tensor(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_softmax_is_the_negative_log_share_of_what_was_bought():
    # scores 2, 1, 0 and the second bought: share e / (e^2 + e + 1)
    loss = softmax(tensor([2, 1, 0]), tensor([0, 1, 0]), tensor([1, 1, 1]))
    assert float(loss) == pytest.approx(-log(exp(1) / (exp(2) + exp(1) + 1)), rel=1e-5)


def test_padding_changes_nothing():
    short = softmax(tensor([2, 1, 0]), tensor([0, 1, 0]), tensor([1, 1, 1]))
    padded = softmax(tensor([2, 1, 0, 9]), tensor([0, 1, 0, 0]), tensor([1, 1, 1, 0]))
    assert float(short) == pytest.approx(float(padded), rel=1e-6)
    short = approximate_ndcg(tensor([2, 1, 0]), tensor([0, 1, 0]), tensor([1, 1, 1]))
    padded = approximate_ndcg(tensor([2, 1, 0, 9]), tensor([0, 1, 0, 0]), tensor([1, 1, 1, 0]))
    assert float(short) == pytest.approx(float(padded), rel=1e-6)


def test_approximate_ndcg_nears_the_true_one_when_scores_are_far_apart():
    # bought at ranks 2 and 3 of 3: DCG = 1/log2(3) + 1/log2(4), ideal = 1 + 1/log2(3)
    loss = approximate_ndcg(tensor([30, 20, 10]), tensor([0, 1, 1]), tensor([1, 1, 1]))
    assert float(loss) == pytest.approx(1 - (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3)), abs=1e-4)


def test_a_customer_who_bought_none_of_the_candidates_counts_nothing():
    one = softmax(tensor([2, 1]), tensor([1, 0]), tensor([1, 1]))
    two = softmax(tensor([2, 1], [5, 5]), tensor([1, 0], [0, 0]), tensor([1, 1], [1, 1]))
    assert float(one) == pytest.approx(float(two), rel=1e-6)


def test_softmax_counts_a_sampled_candidate_as_often_as_it_stands_for():
    # scores 2, 1, 0, the second bought, the third for three: share e / (e^2 + e + 3)
    weighted = softmax(tensor([2, 1, 0]), tensor([0, 1, 0]), tensor([1, 1, 3]))
    assert float(weighted) == pytest.approx(-log(exp(1) / (exp(2) + exp(1) + 3)), rel=1e-5)
    three = softmax(tensor([2, 1, 0, 0, 0]), tensor([0, 1, 0, 0, 0]), tensor([1, 1, 1, 1, 1]))
    assert float(weighted) == pytest.approx(float(three), rel=1e-6)


def test_approximate_ndcg_ranks_behind_everything_that_a_sampled_candidate_stands_for():
    # the first stands for four, so the bought one is fifth: gain 1/log2(6), ideal 1
    loss = approximate_ndcg(tensor([30, 20, 10]), tensor([0, 1, 0]), tensor([4, 1, 2]))
    assert float(loss) == pytest.approx(1 - 1 / log2(6), abs=1e-4)


def test_approximate_ndcg_of_a_sample_is_that_of_the_copies_it_stands_for():
    weighted = approximate_ndcg(tensor([1.0, 0.9, 0.7]), tensor([0, 1, 0]), tensor([2, 1, 3]))
    copies = approximate_ndcg(tensor([1.0, 1.0, 0.9, 0.7, 0.7, 0.7]), tensor([0, 0, 1, 0, 0, 0]), np.ones((1, 6), "f4"))
    assert float(weighted) == pytest.approx(float(copies), rel=1e-5)
