"""Three figures about a segmentation: agreement over time, stability under resampling, and what differs later."""

from collections.abc import Callable

import numpy as np

TAILS = (0.025, 0.975)


def kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Return Cohen's kappa of two assignments of the same customers: 1 is equal, 0 is chance."""
    if len(first) == 0:
        return float("nan")
    names, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (codes[: len(first)], codes[len(first) :]), 1 / len(first))
    agreed, by_chance = float(np.trace(table)), float(table.sum(axis=0) @ table.sum(axis=1))
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def eta_squared(groups: np.ndarray, outcomes: np.ndarray) -> float:
    """Return the share of the outcomes' variance that lies between groups.

    Args:
        groups: int `[n]`.
        outcomes: float `[n, dimensions]`; the variances of all dimensions are added up.
    """
    total = float(((outcomes - outcomes.mean(axis=0)) ** 2).sum())
    if total == 0:
        return float("nan")
    _, codes = np.unique(groups, return_inverse=True)
    sizes = np.bincount(codes).astype(float)
    means = np.stack([np.bincount(codes, weights=column) for column in outcomes.T], axis=1) / sizes[:, None]
    return float((sizes[:, None] * (means - outcomes.mean(axis=0)) ** 2).sum() / total)


def jaccard_of_each(segments: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """Return how well each segment is found again: its best Jaccard overlap with a segment of another fit.

    Args:
        segments: int `[n]`.
        other: the assignments of the other fit, int `[n]`.
        count: how many segments each fit has.
    """
    table = np.zeros((count, count))
    np.add.at(table, (segments, other), 1)
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    return np.asarray((table / np.maximum(union, 1)).max(axis=1))


def interval(
    statistic: Callable[[np.ndarray], float], customers: int, resamples: int, seed: int
) -> tuple[float, float] | None:
    """Return the 95% percentile bootstrap interval of a statistic, or None without a resample.

    Args:
        statistic: computes the figure for the customers at these positions.
        customers: how many there are to draw from.
        resamples: how often they are drawn.
        seed: decides the draws.
    """
    if customers == 0 or resamples == 0:
        return None
    rng = np.random.default_rng(seed)
    low, high = np.nanquantile([statistic(rng.integers(0, customers, customers)) for _ in range(resamples)], TAILS)
    return float(low), float(high)
