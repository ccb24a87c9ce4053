"""Uncertainty of means over customers: the customer is the unit, differences are paired."""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95% percentile bootstrap interval (Efron 1979), over `customers` customers.

    p_value: one-sided, the share of resamples in which the mean is not above zero.
    """

    mean: float
    low: float
    high: float
    customers: int
    p_value: float


def bootstrap(values: np.ndarray, seed: int) -> Estimate:
    """Estimate the mean of one number a customer; NaN values (customers not judged) are left out."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0, 1.0)
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(means, [0.025, 0.975])
    p_value = (1 + int((means <= 0).sum())) / (RESAMPLES + 1)
    return Estimate(float(values.mean()), float(low), float(high), len(values), p_value)


def paired(challenger: np.ndarray, other: np.ndarray, seed: int) -> Estimate:
    """Estimate the mean difference challenger - other on the same customers."""
    return bootstrap(challenger - other, seed)
