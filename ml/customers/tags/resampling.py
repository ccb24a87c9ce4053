"""Folds of customers that predictions are hidden from, and bootstrap intervals of figures that are not means."""

from collections.abc import Callable

import numpy as np

from ml.customers.part import Measure

RESAMPLES = 1000
FOLDS = 5


def folds_of(customers: int, seed: int) -> np.ndarray:
    """Return the fold of each customer, int `[customers]`; folds differ by at most one customer in size."""
    return np.random.default_rng(seed).permutation(customers) % FOLDS


def interval(figure: Callable[[np.ndarray], float], customers: int, seed: int) -> tuple[float, float]:
    """Return the ends of the 95% percentile interval of a figure.

    Args:
        figure: the figure when customer `i` counts `weights[i]` times; the weights are float `[customers]`.
        customers: how many there are.
        seed: decides the resamples.
    """
    rng = np.random.default_rng(seed)
    drawn = [
        figure(np.bincount(rng.integers(0, customers, customers), minlength=customers).astype(float))
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def measure(figure: Callable[[np.ndarray], float], customers: int, bar: float, seed: int) -> Measure:
    """Return a figure over customers with its interval and bar; a figure that does not exist has no interval."""
    value = figure(np.ones(customers))
    if np.isnan(value):
        return Measure(value, bar=bar)
    low, high = interval(figure, customers, seed)
    return Measure(value, low, high, bar)
