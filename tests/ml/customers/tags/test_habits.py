"""Reliability, worked out by hand."""

import numpy as np
import pytest

from ml.customers.tags.habits import reliability
from ml.customers.tags.kinds import Habit

NUMBER, WORD = Habit("n", "", "n"), Habit("w", "", "w", agreement="w_share")


def test_spearman_brown_makes_the_whole_more_reliable_than_its_halves() -> None:
    # Covariance 2 over variances of 4: a correlation of .5, and 2 * .5 / (1 + .5).
    odd, even = np.array([-2.0, -2.0, 2.0, 2.0]), np.array([-2.0, 0.0, 0.0, 2.0]) * np.sqrt(2)
    correlation = np.corrcoef(odd, even)[0, 1]
    assert reliability(NUMBER, odd, even, np.ones(4)) == pytest.approx(2 * correlation / (1 + correlation))


def test_a_weight_counts_a_customer_twice() -> None:
    odd, even = np.array([1.0, 2.0, 5.0]), np.array([2.0, 1.0, 4.0])
    twice = reliability(NUMBER, np.append(odd, 5.0), np.append(even, 4.0), np.ones(4))
    assert reliability(NUMBER, odd, even, np.array([1.0, 1.0, 2.0])) == pytest.approx(twice)


def test_kappa_is_the_agreement_beyond_chance() -> None:
    # Agreed 3 of 4; the halves say a with .5 and .75, b with .5 and .25: .5 by chance. (.75 - .5) / (1 - .5)
    odd, even = np.array(["a", "a", "b", "b"]), np.array(["a", "a", "a", "b"])
    assert reliability(WORD, odd, even, np.ones(4)) == pytest.approx(0.5)


def test_a_habit_that_everybody_shares_has_no_reliability() -> None:
    assert np.isnan(reliability(NUMBER, np.ones(5), np.ones(5), np.ones(5)))
    assert np.isnan(reliability(WORD, np.array(["a"] * 5), np.array(["a"] * 5), np.ones(5)))
