"""Simulated experiments with daily looks: few false verdicts, planted effects found, intervals that hold."""

import numpy as np
import pytest

from experiments.check.daily import daily_error_rates
from experiments.errors import ExperimentError

DAYS = 7 * 16 + 56 + 28


@pytest.fixture(scope="module")
def spend() -> np.ndarray:
    """Spend of 500 customers by day."""
    rng = np.random.default_rng(3)
    level = rng.gamma(2.0, 10.0, (500, 1))
    return np.where(rng.random((500, DAYS)) < 0.2, level * rng.gamma(4.0, 0.25, (500, DAYS)), 0.0)


@pytest.mark.parametrize("metric", ["spend", "clicks"])
def test_nothing_planted_is_hardly_ever_a_verdict_although_it_is_watched_daily(spend: np.ndarray, metric: str) -> None:
    rates = daily_error_rates(spend, metric, 0.0, 25, 7)
    assert rates.wrong <= 0.12
    assert rates.covered >= 0.88
    # The same looks without a correction are wrong far more often.
    assert rates.uncorrected > rates.wrong
    assert rates.promised == pytest.approx(0.025, abs=0.001)
    assert 350 < rates.customers < 500


def test_a_planted_effect_is_shown_as_often_as_promised(spend: np.ndarray) -> None:
    rates = daily_error_rates(spend, "spend", 0.3, 25, 7)
    assert rates.shown == pytest.approx(rates.promised, abs=0.2)
    assert rates.promised > 0.5
    assert rates.harm == 0


def test_too_few_days_are_refused(spend: np.ndarray) -> None:
    with pytest.raises(ExperimentError, match="There are 195 whole days of spend, and the check needs 196"):
        daily_error_rates(spend[:, 1:], "spend", 0.0, 1, 7)
