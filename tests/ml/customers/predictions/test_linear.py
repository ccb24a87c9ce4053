"""The two regressions recover what made the data."""

import numpy as np
import pytest

from ml.customers.predictions.linear import Linear, calibrated, fit_logistic, fit_quantile

RNG = np.random.default_rng(5)
X = {"one": RNG.normal(3, 2, 6000), "two": RNG.uniform(-1, 1, 6000), "constant": np.ones(6000)}


def test_the_logistic_regression_recovers_the_log_odds() -> None:
    happened = RNG.uniform(size=6000) < 1 / (1 + np.exp(-(0.5 * X["one"] - X["two"] - 1)))
    found = fit_logistic(X, happened, penalty=0.01)

    assert found.coefficients["one"] == pytest.approx(0.5, abs=0.06)
    assert found.coefficients["two"] == pytest.approx(-1, abs=0.15)
    assert found.coefficients["constant"] == 0


def test_the_quantile_regression_leaves_its_share_below() -> None:
    outcome = 2 * X["one"] + X["two"] + RNG.exponential(3, 6000)

    for quantile in (0.1, 0.5, 0.9):
        assert (outcome < fit_quantile(X, outcome, quantile, penalty=0.01)(X)).mean() == pytest.approx(
            quantile, abs=0.02
        )


def test_calibration_undoes_a_scale_and_a_shift() -> None:
    log_odds = RNG.normal(size=6000)
    happened = RNG.uniform(size=6000) < 1 / (1 + np.exp(-log_odds))
    wrong = Linear({"score": 3.0}, 1.0)
    right = wrong.rescaled(*calibrated(wrong({"score": log_odds}), happened))

    assert (right.coefficients["score"], right.intercept) == (pytest.approx(1, abs=0.1), pytest.approx(0, abs=0.1))
