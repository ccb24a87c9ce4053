"""The strongest simple rule: what the customer buys most and latest, filled up with what everybody buys now."""

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.models.ranker import Slate


def recency_frequency_baseline(
    block: CustomerBatch, row: int, slate: Slate, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """Catalogue indices, best first, and scores of one customer's list, at most `depth` long.

    `all`: purchases decayed with 120 days plus the product's popularity as a share of the greatest. The second term
    is worth a purchase made today for the most popular product, and decides among products that the customer never
    bought; its weight of 1 was chosen on validation. `explore`: popularity, without what the customer bought.
    """
    catalogue, own = block.catalogue, block.positions[row]
    head = catalogue.by_popularity[: depth + len(own)]
    new = head[~np.isin(head, own)][:depth]
    if slate == "explore":
        return new, catalogue.popularity[new]
    items = np.concatenate([own, new])
    score = catalogue.popularity_share[items].astype(np.float64)
    score[: len(own)] += block.history(row, "decayed_120d")
    best = np.lexsort((items, -catalogue.popularity[items], -score))[:depth]
    return items[best], score[best]
