"""Compute metrics of ranked lists, one number per customer, on the full catalogue and with binary gains."""

from collections.abc import Callable

import numpy as np

DEPTH = 100
"""Length of every list."""


def mean(values: np.ndarray) -> float:
    """Return the mean over customers with something to find; NaN without such customers."""
    return float("nan") if np.isnan(values).all() else float(np.nanmean(values))


def ndcg(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Return the normalised discounted cumulative gain at k (Järvelin & Kekäläinen 2002), with the ideal cut at k.

    Args:
        hits: Whether the product at each rank was bought, bool `[customers, DEPTH]`.
        relevant: Number of products to find, int `[customers]`.
        k: Length of the list.

    Returns:
        Float `[customers]` between 0 and 1; NaN for customers with nothing to find.
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(relevant, k)]
    return _ratio(hits[:, :k] @ discount, ideal)


def recall(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Return the share of the relevant products that are among the first k. Arguments as in `ndcg`."""
    return _ratio(hits[:, :k].sum(axis=1), relevant)


def average_precision(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Return the average precision at k, divided by min(relevant, k). Arguments as in `ndcg`."""
    found = hits[:, :k]
    precision = np.cumsum(found, axis=1) / np.arange(1, k + 1)
    return _ratio((precision * found).sum(axis=1), np.minimum(relevant, k))


def hit_rate(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Return 1 where any of the first k was bought, otherwise 0. Arguments as in `ndcg`."""
    return np.where(relevant > 0, hits[:, :k].any(axis=1).astype(float), np.nan)


def coverage(positions: np.ndarray, k: int) -> int:
    """Return how many different products appear in the first k of all lists.

    Args:
        positions: Catalogue indices, int `[customers, DEPTH]`, -1 after the end of a list.
        k: Length of the lists.
    """
    shown = np.unique(positions[:, :k])
    return int((shown >= 0).sum())


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; NaN for customers with nothing to find, because the metric leaves them out."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


Metric = Callable[[np.ndarray, np.ndarray, int], np.ndarray]

METRICS: dict[str, dict[str, tuple[Metric, int]]] = {
    "all": {
        "NDCG@10": (ndcg, 10),
        "Recall@20": (recall, 20),
        "MAP@12": (average_precision, 12),
        "HR@10": (hit_rate, 10),
    },
    "repeat": {"Recall@20": (recall, 20)},
    "explore": {"NDCG@20": (ndcg, 20), "Recall@100": (recall, 100)},
}
"""Metrics of each part: `repeat` evaluates the slate `all` on products bought before."""
