"""How far the purchase probability that a score stands for can be believed.

A listwise loss leaves scores that order products and are no probabilities. An isotonic regression (Zadrozny & Elkan
2002) from score to purchase, fitted for each slate on what the ranker lists at its newest training snapshot, makes them
probabilities; how far those are off is measured on the judged window, which neither ranker nor regression has seen.
Both speak of listed products only (the first DEPTH).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from ml.evaluation.judge import Slates, Truth, found
from ml.evaluation.metrics import DEPTH
from ml.ranking.examples import RankingExamples
from scoring.ranker import SLATES, Ranker

BINS = 15
CUSTOMERS = 500
"""So many customers' lists, spread over the snapshot, are 50,000 scores a slate: plenty for a curve."""


@dataclass(frozen=True)
class Curve:
    """A rising curve from score to probability, both float `[points]`; flat beyond its ends."""

    scores: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def fit(cls, scores: np.ndarray, bought: np.ndarray) -> "Curve":
        """scores float `[n]`, bought bool `[n]`."""
        order = np.argsort(scores, kind="stable")
        blocks = isotonic_regression(bought[order].astype(float)).blocks
        starts, ends = blocks[:-1], blocks[1:]
        sums = np.concatenate([[0.0], np.cumsum(scores[order], dtype=np.float64)])
        hits = np.concatenate([[0], np.cumsum(bought[order])])
        sizes = ends - starts
        return cls((sums[ends] - sums[starts]) / sizes, (hits[ends] - hits[starts]) / sizes)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return np.interp(scores, self.scores, self.probabilities)


@dataclass(frozen=True)
class Bin:
    """Listed products of similar probability: what was predicted on average, the share that was bought, how many."""

    predicted: float
    bought: float
    products: int


def bins(predicted: np.ndarray, bought: np.ndarray, count: int = BINS) -> list[Bin]:
    """Bins of equal size from the least to the most probable; `[n]` each."""
    order = np.argsort(predicted, kind="stable")
    return [
        Bin(float(predicted[rows].mean()), float(bought[rows].mean()), len(rows))
        for rows in np.array_split(order, count)
        if len(rows)
    ]


def expected_error(found: list[Bin]) -> float:
    """Expected calibration error, sum over bins of n_b / n × |bought_b - predicted_b| (Naeini et al. 2015; Guo et al.
    2017, equation 3), with bins of equal size instead of equal width: most probabilities here are small."""
    total = sum(part.products for part in found)
    return sum(part.products / total * abs(part.bought - part.predicted) for part in found)


def calibrate(examples: RankingExamples, ranker: Ranker, truth: Truth, judged: Slates) -> dict[str, dict[str, Any]]:
    """By slate the expected `error`, its `bins`, and how many listed products it was `fitted_on` and `judged_on`.

    examples: the ranker's newest training snapshot; judged: the model's own lists, before any routes.
    """
    fitted = listed(examples, ranker)
    result: dict[str, dict[str, Any]] = {}
    for slate in SLATES:
        lists = judged[slate]
        shown, hits = lists.positions >= 0, found(lists.positions, truth.relevant(slate))
        probabilities = Curve.fit(*fitted[slate])(lists.scores[shown])
        parts = bins(probabilities, hits[shown])
        result[slate] = {
            "error": expected_error(parts),
            "bins": [asdict(part) for part in parts],
            "fitted_on": len(fitted[slate][0]),
            "judged_on": len(probabilities),
        }
    return result


def listed(examples: RankingExamples, ranker: Ranker) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scores and purchases of what the ranker would list first for customers of a training snapshot, by slate."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {slate: [] for slate in SLATES}
    rows = np.unique(np.linspace(0, len(examples.ends) - 1, CUSTOMERS).astype(int))
    for row in rows:
        begin, end = (int(examples.ends[row - 1]) if row else 0), int(examples.ends[row])
        scores = ranker(np.asarray(examples.numeric[begin:end]), np.asarray(examples.categorical[begin:end]))
        for column, slate in enumerate(SLATES):
            usable = ~examples.is_own[begin:end] if slate == "explore" else np.ones(end - begin, bool)
            values, bought = scores[usable, column], examples.bought[begin:end][usable]
            best = np.argsort(-values, kind="stable")[:DEPTH]
            parts[slate].append((values[best], bought[best]))
    return {
        slate: (np.concatenate([p[0] for p in found]), np.concatenate([p[1] for p in found]))
        for slate, found in parts.items()
    }
