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
    """Purchases of the customer decayed with 120 days, plus the product's popularity as a share of the greatest.

    The second term is worth a purchase made today for the most popular product, and decides among products that the
    customer never bought; its weight of 1 was chosen on validation.
    """
    order, share = block.catalogue.by_popularity, block.catalogue.popularity_share
    positions, scores = [], []
    for row, own in enumerate(block.positions):
        fill = _without(order, own)
        items = np.concatenate([own, fill])
        score = share[items].astype(np.float64)
        score[: len(own)] += block.own(row, "decayed_120d")
        best = np.lexsort((items, -block.catalogue.popularity[items], -score))[:DEPTH]
        positions.append(items[best])
        scores.append(score[best])
    return {"all": Lists.of(positions, scores), "explore": popularity(block)["explore"]}


def _without(order: np.ndarray, own: np.ndarray) -> np.ndarray:
    head = order[: DEPTH + len(own)]
    return head[~np.isin(head, own)][:DEPTH]


BASELINES = {POPULARITY: popularity, OWN_FREQUENCY: own_frequency}
"""Every simple rule by its name in tables and reports."""
