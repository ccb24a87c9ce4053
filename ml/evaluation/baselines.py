"""The simple rules a model has to beat, on the same features and the same customers."""

import numpy as np

from ml.evaluation.judge import Lists, Slates
from ml.evaluation.metrics import DEPTH
from scoring.sources import Block

POPULARITY = "popularity"
OWN_FREQUENCY = "decayed own frequency"


def popularity(block: Block) -> Slates:
    """The same list for everybody; for `explore` without what the customer had before."""
    order, score = block.catalogue.by_popularity, block.catalogue.popularity
    everything = [order[:DEPTH]] * len(block.customers)
    new = [_without(order, own) for own in block.positions]
    return {
        "all": Lists.of(everything, [score[items] for items in everything]),
        "explore": Lists.of(new, [score[items] for items in new]),
    }


def own_frequency(block: Block) -> Slates:
    """Own products by purchases decayed with 120 days, ties by popularity, then what is popular now."""
    order, score = block.catalogue.by_popularity, block.catalogue.popularity
    top = score.max() + 1.0
    positions, scores = [], []
    for row, own in enumerate(block.positions):
        decayed = block.own(row, "decayed_120d").astype(np.float64)
        best = np.lexsort((own, -score[own], -decayed))
        fill = _without(order, own)
        positions.append(np.concatenate([own[best], fill])[:DEPTH])
        scores.append(np.concatenate([1.0 + decayed[best], score[fill] / top])[:DEPTH])
    return {"all": Lists.of(positions, scores), "explore": popularity(block)["explore"]}


def _without(order: np.ndarray, own: np.ndarray) -> np.ndarray:
    head = order[: DEPTH + len(own)]
    return head[~np.isin(head, own)][:DEPTH]


BASELINES = {POPULARITY: popularity, OWN_FREQUENCY: own_frequency}
"""Every simple rule by its name in tables and reports."""
