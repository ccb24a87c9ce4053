"""Uncertainty of means over customers: the customer is the unit, differences are paired."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
_BLOCK = 4_000_000
"""How many customers of resamples are drawn at a time, which bounds the memory used."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95% percentile bootstrap interval (Efron 1979), over `customers` customers.

    `p_value` is one-sided: the share of resamples in which the mean is not above zero.
    """

    mean: float
    low: float
    high: float
    customers: int
    p_value: float


def bootstrap(values: np.ndarray, seed: int) -> Estimate:
    """Estimate the mean of one number per customer; NaN values (customers who were not evaluated) are left out."""
    return bootstrap_columns(values[~np.isnan(values), None], seed)[0]


def paired_difference(challenger: np.ndarray, other: np.ndarray, seed: int) -> Estimate:
    """Estimate the mean difference challenger - other on the same customers."""
    return bootstrap(challenger - other, seed)


def bootstrap_columns(values: np.ndarray, seed: int) -> list[Estimate]:
    """Estimate the mean of every column on the same resamples.

    A resample counts how often each customer was drawn, so the sums of all columns are one matrix product. A draw takes
    all columns of a customer. The mean of a column leaves out the drawn customers whose value is NaN.

    Args:
        values: Float `[customers, columns]`, NaN where a customer has no value.
        seed: The seed of the resamples.
    """
    customers, columns = values.shape
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    complete = bool(present.all())
    rng = np.random.default_rng(seed)
    means = np.zeros((RESAMPLES, columns))
    step = max(1, min(RESAMPLES, _BLOCK // max(customers, 1)))
    for start in range(0, RESAMPLES if customers else 0, step):
        rows = min(step, RESAMPLES - start)
        drawn = rng.integers(0, customers, (rows, customers)) + customers * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * customers).reshape(rows, customers).astype(np.float64)
        totals = float(customers) if complete else times @ present
        # A resample without evaluable customers gets mean 0, so it never counts as an improvement.
        means[start : start + rows] = times @ filled / np.maximum(totals, 1.0)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    p_values = (1 + (means <= 0).sum(axis=0)) / (RESAMPLES + 1)
    counts = present.sum(axis=0)
    mean = filled.sum(axis=0) / np.maximum(counts, 1)
    unknown = Estimate(float("nan"), float("nan"), float("nan"), 0, 1.0)
    return [
        Estimate(float(mean[i]), float(low[i]), float(high[i]), int(counts[i]), float(p_values[i]))
        if counts[i]
        else unknown
        for i in range(columns)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for the size of their family, in the given order (Holm 1979).

    If a test is significant when its adjusted p-value is below alpha, the chance of any false positive in the family is
    at most alpha.
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()
