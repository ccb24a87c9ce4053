"""Agreement, differences and overlap against values by hand."""

import numpy as np
import pytest

from ml.customers.segments.agreement import eta_squared, interval, jaccard_of_each, kappa


def test_kappa_is_the_agreement_beyond_chance() -> None:
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])

    # 3 of 4 agree; by chance 2/4 x 1/4 + 2/4 x 3/4 = .5.
    assert kappa(first, second) == pytest.approx((0.75 - 0.5) / 0.5)
    assert np.isnan(kappa(first[:0], second[:0]))


def test_eta_squared_adds_up_the_variances_of_all_dimensions() -> None:
    groups = np.array([3, 3, 7, 7])
    outcomes = np.array([[1.0, 0], [1, 2], [5, 0], [5, 2]])

    # The first dimension differs only between groups (16), the second only within them (4).
    assert eta_squared(groups, outcomes) == pytest.approx(16 / 20)


def test_each_segment_is_compared_with_its_best_match() -> None:
    segments, other = np.array([0, 0, 0, 1]), np.array([1, 1, 0, 0])

    assert jaccard_of_each(segments, other, 2).tolist() == [pytest.approx(2 / 3), pytest.approx(1 / 2)]


def test_the_interval_is_that_of_the_drawn_customers() -> None:
    values = np.array([0.0] * 50 + [1.0] * 50)
    low, high = interval(lambda drawn: float(values[drawn].mean()), 100, 400, seed=1) or (0, 0)

    assert 0.38 < low < 0.43
    assert 0.57 < high < 0.62
    assert interval(lambda drawn: 0.0, 0, 400, seed=1) is None
