"""Measure the trade-off of the diversity setting: distance within a list against NDCG, on the evaluated lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.bootstrap import bootstrap_columns
from ml.evaluation.ground_truth import GroundTruth, Slates, hit_matrix
from ml.metrics import DEPTH, mean, ndcg
from scoring.catalogue import Catalogue
from scoring.models.ranker import SLATES, Slate
from scoring.reranking.business_rules import BusinessRules, apply_business_rules
from scoring.reranking.diversity import intra_list_distance

SETTINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
LENGTH: dict[Slate, int] = {"all": 10, "explore": 20}
"""The length of each slate's lists: the depth of the NDCG that is reported for it."""

CUSTOMERS = 500
"""The maximum number of evaluated customers, drawn at random: intervals are narrow and it takes seconds."""


@dataclass(frozen=True)
class Interval:
    """Hold a mean with its 95% interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class DiversityPoint:
    """Hold the figures of one diversity setting.

    Attributes:
        setting: From 0 to 1.
        distance: Mean intra-list distance.
        ndcg: Mean NDCG at the length of the slate's lists.
        difference: Paired difference to the NDCG at setting 0.
    """

    setting: float
    distance: float
    ndcg: float
    difference: Interval

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DiversityPoint":
        """Read one row of `diversity.json`."""
        return cls(**{**values, "difference": Interval(**values["difference"])})


def trade_off(catalogue: Catalogue, truth: GroundTruth, slates: Slates, seed: int) -> dict[str, list[DiversityPoint]]:
    """Measure distance and NDCG at every diversity setting.

    Args:
        catalogue: The catalogue of the lists.
        truth: Purchases of the evaluated customers.
        slates: The model's lists.
        seed: Seed of the sample and of the resamples.

    Returns:
        One point per setting, by slate.
    """
    everybody = len(truth.customer_ids)
    rows = np.sort(np.random.default_rng(seed).permutation(everybody)[:CUSTOMERS])
    result: dict[str, list[DiversityPoint]] = {}
    for slate in SLATES:
        lists = [_known(slates[slate].positions[row], slates[slate].scores[row]) for row in rows]
        relevant = truth.relevant(slate)
        bought = [relevant[row] for row in rows]
        counts = np.array([len(items) for items in bought]) + truth.missing[rows]
        distances, scores = [], []
        for setting in SETTINGS:
            chosen = [_chosen(catalogue, *ranked, setting, LENGTH[slate]) for ranked in lists]
            distances.append(float(np.mean([intra_list_distance(catalogue, items) for items in chosen])))
            scores.append(ndcg(hit_matrix(_padded(chosen), bought), counts, LENGTH[slate]))
        differences = bootstrap_columns(np.column_stack([score - scores[0] for score in scores]), seed)
        result[slate] = [
            DiversityPoint(setting, distance, mean(score), Interval(difference.mean, difference.low, difference.high))
            for setting, distance, score, difference in zip(SETTINGS, distances, scores, differences, strict=True)
        ]
    return result


def _known(positions: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return positions[positions >= 0], scores[positions >= 0]


def _chosen(catalogue: Catalogue, positions: np.ndarray, scores: np.ndarray, setting: float, k: int) -> np.ndarray:
    chosen: np.ndarray = positions[
        apply_business_rules(catalogue, positions, scores, BusinessRules(diversity=setting), k)
    ]
    return chosen


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    padded = np.full((len(rows), DEPTH), -1)
    for row, items in enumerate(rows):
        padded[row, : len(items)] = items
    return padded
