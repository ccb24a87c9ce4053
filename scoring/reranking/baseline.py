"""The recency-frequency baseline: what the customer buys most and most recently, then what is popular now."""

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.models.ranker import Slate


def recency_frequency_baseline(
    batch: CustomerBatch, row: int, slate: Slate, depth: int, by_popularity: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return catalogue indices, best first, and scores of one customer's list, at most `depth` long.

    The score for `all` is the purchases decayed with 120 days plus the product's popularity as a share of the
    greatest. For the most popular product the second term equals a purchase made today, and it orders the products
    that the customer never bought. Its weight of 1 was chosen on validation. The score for `explore` is popularity,
    without the products that the customer bought.

    Args:
        batch: Customers, with this one in `row`.
        row: The customer's row.
        slate: The purpose of the list.
        depth: Its length at most.
        by_popularity: Catalogue indices of the new products that may be in it, the most popular first; None for all.
    """
    catalogue, own = batch.catalogue, batch.positions[row]
    head = (catalogue.by_popularity if by_popularity is None else by_popularity)[: depth + len(own)]
    new = head[~np.isin(head, own)][:depth]
    if slate == "explore":
        return new, catalogue.popularity[new]
    items = np.concatenate([own, new])
    score = catalogue.popularity_share[items].astype(np.float64)
    score[: len(own)] += batch.history(row, "decayed_120d")
    best = np.lexsort((items, -catalogue.popularity[items], -score))[:depth]
    return items[best], score[best]
