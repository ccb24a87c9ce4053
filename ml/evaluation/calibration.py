"""Calibrate purchase probabilities, and measure their expected error.

A listwise loss yields scores that order products but are not probabilities. An isotonic regression (Zadrozny & Elkan
2002) maps scores to purchase probabilities. It is fitted for each slate on training lists that were held out from the
rankers. Its error is measured on the evaluation window, which neither the ranker nor the regression has seen. Both use
listed products only (the first DEPTH).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from ml.evaluation.ground_truth import GroundTruth, Slates, hit_matrix
from ml.metrics import DEPTH
from ml.ranking.examples import ListRef, RankingExamples
from scoring.models.ranker import SLATES, Ranker

BINS = 15
LISTS = 500
"""The maximum number of lists, because 50,000 scores per slate are enough for a curve."""


@dataclass(frozen=True)
class Curve:
    """Map scores to probabilities by a non-decreasing curve, both float `[points]`; constant beyond its ends."""

    scores: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def fit(cls, scores: np.ndarray, bought: np.ndarray, weight: np.ndarray) -> "Curve":
        """Fit the curve by isotonic regression.

        Args:
            scores: Float `[n]`.
            bought: Bool `[n]`.
            weight: How many products each score stands for, float `[n]`.
        """
        order = np.argsort(scores, kind="stable")
        scores, bought, weight = scores[order].astype(float), bought[order].astype(float), weight[order].astype(float)
        starts = isotonic_regression(bought, weights=weight).blocks[:-1]
        total = np.add.reduceat(weight, starts)
        return cls(np.add.reduceat(weight * scores, starts) / total, np.add.reduceat(weight * bought, starts) / total)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return the probabilities of scores, both float `[n]`."""
        probabilities: np.ndarray = np.interp(scores, self.scores, self.probabilities)
        return probabilities


@dataclass(frozen=True)
class Bin:
    """Hold listed products of similar probability.

    Attributes:
        predicted: Mean predicted probability.
        observed: Share of the products that was bought.
        count: Number of products.
    """

    predicted: float
    observed: float
    count: int


@dataclass(frozen=True)
class SlateCalibration:
    """Hold the calibration of one slate.

    Attributes:
        ece: Expected calibration error; NaN if nothing was listed.
        bins: Bins of equal size, from the least to the most probable.
        fitted_on: Number of listed products that the curve was fitted on.
        evaluated_on: Number of listed products that the error was measured on.
    """

    ece: float
    bins: Sequence[Bin]
    fitted_on: int = 0
    evaluated_on: int = 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "SlateCalibration":
        """Read one slate of `calibration.json`; earlier versions wrote `judged_on` for `evaluated_on`."""
        bins = [Bin(**part) for part in values["bins"]]
        return cls(
            values["ece"],
            bins,
            values.get("fitted_on", 0),
            values.get("evaluated_on", values.get("judged_on", 0)),
        )


def bins(predicted: np.ndarray, bought: np.ndarray, number: int = BINS) -> list[Bin]:
    """Return bins of equal size from the least to the most probable product; both arrays are `[n]`."""
    order = np.argsort(predicted, kind="stable")
    return [
        Bin(float(predicted[rows].mean()), float(bought[rows].mean()), len(rows))
        for rows in np.array_split(order, number)
        if len(rows)
    ]


def expected_error(found: list[Bin]) -> float:
    """Return the expected calibration error, the sum over bins of n_b / n × |observed_b - predicted_b|.

    The source is Naeini et al. 2015 and Guo et al. 2017, equation 3. The bins have equal size instead of equal width,
    because most probabilities here are small.
    """
    total = sum(part.count for part in found)
    return sum(part.count / total * abs(part.observed - part.predicted) for part in found)


def calibrate(
    snapshots: Sequence[RankingExamples],
    held_out: Sequence[ListRef],
    ranker: Ranker,
    truth: GroundTruth,
    own_lists: Slates,
) -> dict[str, SlateCalibration]:
    """Fit a calibration curve for each slate and measure its error on the evaluation window.

    Args:
        snapshots: The rankers' training examples, newest snapshot first.
        held_out: Lists of the training snapshots that trained no ranker.
        ranker: The ranker whose scores are calibrated.
        truth: Purchases of the evaluated customers.
        own_lists: The model's own lists, before any fallbacks.

    Returns:
        The calibration of each slate.
    """
    fitted = listed(snapshots, held_out, ranker)
    result: dict[str, SlateCalibration] = {}
    for slate in SLATES:
        lists = own_lists[slate]
        shown, hits = lists.positions >= 0, hit_matrix(lists.positions, truth.relevant(slate))
        # There may be nothing to fit on or nothing shown, because customers who bought every product cannot explore.
        is_known = len(fitted[slate][0]) > 0 and bool(shown.any())
        probabilities = Curve.fit(*fitted[slate])(lists.scores[shown]) if is_known else np.zeros(0)
        parts = bins(probabilities, hits[shown]) if is_known else []
        result[slate] = SlateCalibration(
            ece=expected_error(parts) if is_known else float("nan"),
            bins=parts,
            fitted_on=len(fitted[slate][0]),
            evaluated_on=len(probabilities),
        )
    return result


Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def listed(snapshots: Sequence[RankingExamples], held_out: Sequence[ListRef], ranker: Ranker) -> dict[str, Columns]:
    """Return scores, purchases and weights of the products ranked first in the held-out lists, by slate.

    Only lists of the newest snapshot are used. Histories grow and fewer products are new to a customer over time, so
    older lists overestimate purchases. Negatives were sampled, so each candidate stands for `weight` candidates, from
    which its rank in the whole list follows.
    """
    lists: dict[str, list[Columns]] = {slate: [] for slate in SLATES}
    newest = min((number for number, _ in held_out), default=0)
    recent = [reference for reference in held_out if reference[0] == newest]
    for chosen in np.unique(np.linspace(0, len(recent) - 1, LISTS).astype(int)):
        number, customer = recent[chosen]
        part = snapshots[number]
        rows = part.rows(customer)
        scores = ranker(np.asarray(part.numeric[rows]), np.asarray(part.categorical[rows]))
        for column, slate in enumerate(SLATES):
            usable = ~part.is_repeat[rows] if slate == "explore" else np.ones(len(scores), bool)
            values, weight = scores[usable, column], part.weight[rows][usable]
            order = np.argsort(-values, kind="stable")
            best = order[np.cumsum(weight[order]) - weight[order] < DEPTH]
            lists[slate].append((values[best], part.bought[rows][usable][best], weight[best]))
    return {
        slate: (
            np.concatenate([scores for scores, _, _ in parts]),
            np.concatenate([bought for _, bought, _ in parts]),
            np.concatenate([weight for _, _, weight in parts]),
        )
        for slate, parts in lists.items()
    }
