"""Raise products of recent interest in a ranked list."""

from typing import NamedTuple

import numpy as np


class Promoted(NamedTuple):
    """A ranked list after products of interest were raised; arrays are `[n]`, best first.

    Attributes:
        order: The former rank of each product.
        scores: The scores by which the list is ordered now.
        is_credited: Whether the product is in the list's first `k` ranks for its interest, because it was beyond them.
    """

    order: np.ndarray
    scores: np.ndarray
    is_credited: np.ndarray


def promote(scores: np.ndarray, interest: np.ndarray, boost: float, k: int) -> Promoted:
    """Move each score towards the best one by its interest, and order the list again.

    The distance is that from the product's score, or from the median if the score is higher. So the effect does not
    depend on the scale of a ranker's scores, and a product just viewed is listed however low its score. Without
    interest, nothing changes.

    Args:
        scores: `[n]`, best first.
        interest: 0 to 1, `[n]`.
        boost: The share of the distance that an interest of 1 adds.
        k: The length of the list that is shown.
    """
    if not len(scores):
        return Promoted(np.zeros(0, np.int64), scores, np.zeros(0, bool))
    distance = scores[0] - np.minimum(scores, np.median(scores))
    distance[distance == 0] = 1.0  # all scores are equal
    raised = scores + (boost * interest * distance).astype(scores.dtype)
    order = np.argsort(-raised, kind="stable")
    was_beyond = (order >= k) & (np.arange(len(order)) < order)
    return Promoted(order, raised[order], was_beyond & (interest[order] > 0))
