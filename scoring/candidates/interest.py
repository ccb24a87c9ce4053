"""A customer's recent interest as a score of every product, and the event behind each score."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.customer.recent_interest import SeenProduct
from scoring.related_products import RANK_WEIGHTS

Relation = Literal["itself", "similar", "together"]
RELATIONS: tuple[Relation, ...] = ("itself", "similar", "together")

MAX_SEEN = 20
"""Newest products of interest that are scored; with the discount by rank, later ones would weigh next to nothing."""


@dataclass(frozen=True)
class Interest:
    """Scores of one customer's recent interest.

    A product's score is that of the one event that supports it most, so a reason can name that event.

    Attributes:
        seen: The scored products of interest.
        positions: Their catalogue indices, `[seen]`.
        scores: Every product's score, 0 to 1, float32 `[products]`.
        cause: For each product the index in `seen` of the event behind its score, int16 `[products]`; -1 without one.
        relation: How it is related to that product, the index in `RELATIONS`, int8 `[products]`.
    """

    seen: tuple[SeenProduct, ...]
    positions: np.ndarray
    scores: np.ndarray
    cause: np.ndarray
    relation: np.ndarray


def interest_of(batch: CustomerBatch, row: int) -> Interest | None:
    """Return the interest of a batch's customer; None if the catalogue contains none of its products."""
    if not batch.customers[row].recent.seen:
        return None
    return batch.cached(("interest", row), lambda: _interest(batch, row))


def _interest(batch: CustomerBatch, row: int) -> Interest | None:
    known = [
        (each, position)
        for each, position in zip(batch.customers[row].recent.seen, batch.bought.seen[row].tolist(), strict=True)
        if position >= 0
    ][:MAX_SEEN]
    if not known:
        return None
    n = len(batch.catalogue)
    found = Interest(
        tuple(each for each, _ in known),
        np.array([position for _, position in known], np.int64),
        np.zeros(n, np.float32),
        np.full(n, -1, np.int16),
        np.zeros(n, np.int8),
    )
    for number, (each, position) in enumerate(known):
        _raise(found, number, "itself", np.array([position]), np.array([each.itself], np.float32))
        if each.similar or each.together:
            related = batch.catalogue.related.of(position)
            _raise(found, number, "similar", related.similar, each.similar * RANK_WEIGHTS[: len(related.similar)])
            _raise(found, number, "together", related.together, each.together * RANK_WEIGHTS[: len(related.together)])
    return found


def _raise(found: Interest, number: int, relation: Relation, positions: np.ndarray, scores: np.ndarray) -> None:
    """Give products the higher of their score and this one."""
    better = scores > found.scores[positions]
    raised = positions[better]
    found.scores[raised] = scores[better]
    found.cause[raised] = number
    found.relation[raised] = RELATIONS.index(relation)
