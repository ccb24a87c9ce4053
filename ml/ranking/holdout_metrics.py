"""Evaluate rankers on held-out training lists, so that the best ranker can be selected.

The evaluation window is not used, because a selection on it would make the gate's figures too good.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ml.metrics import DEPTH, METRICS, mean
from ml.ranking.examples import ListRef, RankingExamples
from scoring.models.ranker import SLATES

SELECTION_METRICS = ("all NDCG@10", "explore NDCG@20")
"""The ranker with the greatest sum of these metrics is selected."""

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Maps numeric `[rows, features]` and categorical `[rows, fields]` to scores `[rows, len(SLATES)]`."""


def holdout_metrics(snapshots: Sequence[RankingExamples], lists: Sequence[ListRef], score: Score) -> dict[str, float]:
    """Return the mean of every metric of `all` and `explore` over the given lists.

    The lists hold the sampled candidates. Sampled negatives raise the figures of every ranker above those of full
    lists, so the figures compare rankers only with each other.

    Args:
        snapshots: Training lists, newest snapshot first.
        lists: The lists to evaluate.
        score: The ranker.
    """
    rankings: dict[str, list[np.ndarray]] = {slate: [] for slate in SLATES}
    relevant: dict[str, list[int]] = {slate: [] for slate in SLATES}
    for number, row in lists:
        part = snapshots[number]
        rows = part.rows(row)
        scores = score(np.asarray(part.numeric[rows]), np.asarray(part.categorical[rows]))
        for column, slate in enumerate(SLATES):
            usable = ~part.is_repeat[rows] if slate == "explore" else np.ones(rows.stop - rows.start, bool)
            order = np.argsort(-scores[usable, column], kind="stable")[:DEPTH]
            hits = np.zeros(DEPTH, bool)
            hits[: len(order)] = part.bought[rows][usable][order]
            rankings[slate].append(hits)
            relevant[slate].append(int(part.relevant[row, column]))
    return {
        f"{slate} {name}": mean(metric(np.stack(rankings[slate]), np.array(relevant[slate]), k))
        for slate in SLATES
        for name, (metric, k) in METRICS[slate].items()
        if lists
    }
