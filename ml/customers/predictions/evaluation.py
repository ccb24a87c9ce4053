"""How good predictions are, with intervals that resample customers, who may occur at several snapshots."""

from collections.abc import Callable, Sequence

import numpy as np

from ml.customers.part import Measure
from ml.evaluation.calibration import bins, expected_error

RESAMPLES = 500
CALIBRATION_BINS = 10
_BLOCK = 4_000_000
"""Weights of rows that are held at a time, which bounds the memory used."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""Takes weights of rows, float `[resamples, rows]`, and returns a figure for each resample."""


def auc(predicted: np.ndarray, happened: np.ndarray) -> Statistic:
    """Return the area under the ROC curve as a function of weights; ties count half."""
    order = np.argsort(predicted, kind="stable")
    starts = np.flatnonzero(np.diff(predicted[order], prepend=-np.inf) != 0)
    positive = happened[order].astype(np.float64)

    def statistic(weights: np.ndarray) -> np.ndarray:
        sorted_weights = weights[:, order]
        hits = np.add.reduceat(sorted_weights * positive, starts, axis=1)
        others = np.add.reduceat(sorted_weights * (1 - positive), starts, axis=1)
        below = np.cumsum(others, axis=1) - 0.5 * others
        pairs = hits.sum(axis=1) * others.sum(axis=1)
        return np.asarray((hits * below).sum(axis=1) / np.maximum(pairs, 1.0))

    return statistic


def wape(predicted: np.ndarray, actual: np.ndarray) -> Statistic:
    """Return the sum of absolute errors over the sum of actual values, as a function of weights."""
    errors = np.abs(predicted - actual)
    return lambda weights: np.asarray(weights @ errors / np.maximum(weights @ actual, 1e-9))


def mean(values: np.ndarray) -> Statistic:
    """Return the mean, of flags the share, as a function of weights."""
    numbers = values.astype(np.float64)
    return lambda weights: np.asarray(weights @ numbers / np.maximum(weights.sum(axis=1), 1.0))


def lead(challenger: Statistic, other: Statistic) -> Statistic:
    """Return how much higher the challenger's figure is on the same customers."""
    return lambda weights: challenger(weights) - other(weights)


def estimate(
    statistic: Statistic, customers: Sequence[str], seed: int, bar: float | None = None, at_most: bool = False
) -> Measure:
    """Return a figure with its 95% percentile bootstrap interval over customers.

    Args:
        statistic: the figure as a function of weights.
        customers: the customer of each row, `[rows]`.
        seed: of the resamples.
        bar: what the figure must reach.
        at_most: whether the bar is an upper one.
    """
    names, customer = np.unique(np.asarray(customers), return_inverse=True)
    rng = np.random.default_rng(seed)
    step = max(1, min(RESAMPLES, _BLOCK // max(len(customer), 1)))
    found = []
    for start in range(0, RESAMPLES, step):
        times = np.stack(
            [
                np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
                for _ in range(min(step, RESAMPLES - start))
            ]
        )
        found.append(statistic(times[:, customer].astype(np.float64)))
    low, high = np.quantile(np.concatenate(found), [0.025, 0.975])
    value = float(statistic(np.ones((1, len(customer))))[0])
    return Measure(value, float(low), float(high), bar, at_most)


def calibration_error(predicted: np.ndarray, happened: np.ndarray) -> float:
    """Return the expected calibration error over bins of equal size."""
    return expected_error(bins(predicted, happened, CALIBRATION_BINS))
