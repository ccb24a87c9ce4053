"""AUC, log loss and their paired leads, worked out by hand where possible."""

import numpy as np
import pytest

from ml.customers.evaluation import auc, auc_lead, log_loss_lead, log_losses, score


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    # Churned .9 and .4, others .5 and .4: pairs .9>.5, .9>.4, .4<.5, .4=.4 -> (1 + 1 + 0 + 0.5) / 4
    assert auc(np.array([0.9, 0.4, 0.5, 0.4]), np.array([True, True, False, False])) == pytest.approx(0.625)


def test_log_loss_is_the_negative_log_of_the_outcomes_probability() -> None:
    assert log_losses(np.array([0.25, 0.25]), np.array([True, False])) == pytest.approx([-np.log(0.25), -np.log(0.75)])


def test_a_probability_of_zero_costs_a_finite_amount() -> None:
    assert np.isfinite(log_losses(np.array([0.0]), np.array([True]))).all()


def test_the_truth_leads_noise_and_equals_itself() -> None:
    rng = np.random.default_rng(2)
    truth = rng.uniform(0.02, 0.6, 1500)
    churned = rng.uniform(size=1500) < truth
    noise = np.clip(truth + rng.normal(0, 0.25, 1500), 0.01, 0.99)

    assert log_loss_lead(truth, noise, churned, 1).low > 0
    assert auc_lead(truth, noise, churned, 1).low > 0
    same = auc_lead(truth, truth, churned, 1)
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_well_calibrated_probabilities_have_a_small_error() -> None:
    rng = np.random.default_rng(4)
    truth = rng.uniform(0, 0.5, 5000)
    churned = rng.uniform(size=5000) < truth

    assert score(truth, churned).calibration_error < 0.02
    assert score(truth / 2, churned).calibration_error > 0.1
