"""AUC with ties and weights, WAPE, and intervals that resample customers."""

import numpy as np
import pytest

from ml.customers.predictions.evaluation import auc, calibration_error, estimate, lead, mean, wape

ONCE = np.ones((1, 4))


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    # Lapsed .9 and .4, others .5 and .4: pairs .9>.5, .9>.4, .4<.5, .4=.4 -> (1 + 1 + 0 + 0.5) / 4
    statistic = auc(np.array([0.9, 0.4, 0.5, 0.4]), np.array([True, True, False, False]))

    assert statistic(ONCE)[0] == pytest.approx(0.625)
    # The second one drawn twice, the first not at all: only the pairs of .4.
    assert statistic(np.array([[0.0, 2.0, 1.0, 1.0]]))[0] == pytest.approx(0.25)


def test_wape_is_the_sum_of_errors_over_the_sum_of_actual_values() -> None:
    assert wape(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 2.0, 4.0]))(ONCE)[0] == pytest.approx(0.2)


def test_customers_and_not_rows_are_resampled() -> None:
    # Two customers whose rows are all alike: a resample holds one, the other or both, so the mean is 0, 1/2 or 1.
    found = estimate(mean(np.repeat([0.0, 1.0], 500)), ["a"] * 500 + ["b"] * 500, seed=1)

    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_the_truth_leads_noise() -> None:
    rng = np.random.default_rng(2)
    truth = rng.uniform(0.02, 0.6, 1500)
    happened = rng.uniform(size=1500) < truth
    noise = np.clip(truth + rng.normal(0, 0.25, 1500), 0.01, 0.99)
    found = estimate(lead(auc(truth, happened), auc(noise, happened)), [str(row) for row in range(1500)], seed=1)

    assert found.low is not None
    assert found.low > 0


def test_probabilities_of_twice_the_share_are_not_calibrated() -> None:
    rng = np.random.default_rng(4)
    truth = rng.uniform(0, 0.5, 5000)
    happened = rng.uniform(size=5000) < truth

    assert calibration_error(truth, happened) < 0.02
    assert calibration_error(truth / 2, happened) > 0.1
