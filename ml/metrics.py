"""Scores of ranked lists, one number a customer, on the full catalogue and with binary gains."""

from collections.abc import Callable

import numpy as np

DEPTH = 100
"""How deep every list is kept."""


def mean(values: np.ndarray) -> float:
    """Mean over the customers who had something to find; NaN if nobody had."""
    return float("nan") if np.isnan(values).all() else float(np.nanmean(values))


def ndcg(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Normalised discounted cumulative gain at k; the ideal is truncated at k too (Järvelin & Kekäläinen 2002).

    hits: bool `[customers, DEPTH]`, whether the product at each rank was bought.
    relevant: int `[customers]`, how many products there were to find.
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(relevant, k)]
    return _ratio(hits[:, :k] @ discount, ideal)


def recall(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Share of the relevant products among the first k."""
    return _ratio(hits[:, :k].sum(axis=1), relevant)


def average_precision(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Average precision at k, divided by min(relevant, k)."""
    found = hits[:, :k]
    precision = np.cumsum(found, axis=1) / np.arange(1, k + 1)
    return _ratio((precision * found).sum(axis=1), np.minimum(relevant, k))


def hit_rate(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """1 if any of the first k was bought."""
    return np.where(relevant > 0, hits[:, :k].any(axis=1).astype(float), np.nan)


def coverage(positions: np.ndarray, k: int) -> int:
    """How many different products appear in the first k of anybody's list; `positions` is -1 where a list ends."""
    shown = np.unique(positions[:, :k])
    return int((shown >= 0).sum())


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """NaN for customers who had nothing to find: they are not judged on this score."""
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
"""Scores of each part: `repeat` judges the `all` slate on products bought before."""
