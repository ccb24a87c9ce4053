"""What each candidate source is worth by itself: its own list as if there were no ranker and no other source."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ml.evaluation.bootstrap import bootstrap, paired
from ml.evaluation.ground_truth import Lists, Slates, Truth, judge
from ml.evaluation.metrics import DEPTH
from scoring.candidates.merge import Candidates

SCORES = ("explore NDCG@20", "explore Recall@100")


def listed(candidates: Iterable[Candidates], name: str) -> Slates:
    """What one source put forward of products new to the customer, in its own order, DEPTH deep.

    candidates: gathered with a quota of at least DEPTH for the source.
    """
    positions, scores = [], []
    for found in candidates:
        rank = found.ranks[name]
        mine = np.flatnonzero((rank < DEPTH) & ~found.is_repeat)
        mine = mine[np.argsort(rank[mine], kind="stable")]
        positions.append(found.positions[mine])
        scores.append(found.scores[name][mine])
    lists = Lists.of(positions, scores)
    return {"all": lists, "explore": lists}


def compare(truth: Truth, lists: Mapping[str, Slates], reference: str, seed: int) -> dict[str, dict[str, Any]]:
    """By source and score: the mean, and the paired difference to the source `reference`, with 95% intervals."""
    judged = {name: judge(truth, slates) for name, slates in lists.items()}
    return {
        name: {
            score: {
                "mean": asdict(bootstrap(values[score], seed)),
                "more": asdict(paired(values[score], judged[reference][score], seed)),
            }
            for score in SCORES
        }
        for name, values in judged.items()
    }
