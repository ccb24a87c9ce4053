"""Similar items for a product's page: products bought with it and products like it, in one list.

Two rankings of the catalogue are merged by the sum of 1 / (20 + rank) (reciprocal rank fusion, Cormack, Clarke &
Büttcher 2009). EASE's weights find products that are bought together. The cosine of the candidate tower's vectors also
finds products that hardly any customer has bought yet.
"""

from dataclasses import dataclass

import numpy as np

from scoring.candidates.sources.item_to_item import MODEL
from scoring.catalogue import Catalogue
from scoring.models.ease import Ease
from scoring.related_products import SMOOTHING, top_ranked

DEPTH = 300
"""Ranks of each ranking that are merged; a lower rank adds next to nothing."""


@dataclass(frozen=True)
class Similar:
    """Products similar to one product.

    Attributes:
        positions: Catalogue indices, best first, `[n]`.
        scores: `[n]`.
        is_co_purchase: Whether the product is in the list because the two are bought together, bool `[n]`.
    """

    positions: np.ndarray
    scores: np.ndarray
    is_co_purchase: np.ndarray

    def where(self, is_shown: np.ndarray) -> "Similar":
        """Return those that may be shown, given bool `[products]`."""
        kept = is_shown[self.positions]
        return Similar(self.positions[kept], self.scores[kept], self.is_co_purchase[kept])


def similar(catalogue: Catalogue, position: int) -> Similar:
    """Return at most 2 × DEPTH products similar to the one at catalogue index `position`, without itself."""
    cosine = catalogue.vectors @ catalogue.vectors[position]
    cosine[position] = -np.inf
    # A catalogue without the source that fits EASE is ranked by the vectors alone.
    has_ease = MODEL in catalogue.models
    weights = catalogue.model(MODEL, Ease).weights(position) if has_ease else np.zeros(len(catalogue), np.float32)
    rank = np.full((2, len(catalogue)), np.inf)
    for row, (scores, least) in enumerate(((weights, 0.0), (cosine, -np.inf))):
        order = top_ranked(np.where(scores > least, scores, -np.inf), catalogue.popularity, DEPTH)
        rank[row, order] = np.arange(len(order))
    fused = (1.0 / (SMOOTHING + rank)).sum(axis=0)
    found = np.flatnonzero(fused)
    found = found[np.lexsort((found, -cosine[found], -fused[found]))]
    return Similar(found, fused[found], rank[0, found] <= rank[1, found])


def append_remaining(catalogue: Catalogue, position: int, found: Similar) -> Similar:
    """Append all other products by cosine, with scores below 0, for business rules that leave few products."""
    cosine = catalogue.vectors @ catalogue.vectors[position]
    cosine[position] = cosine[found.positions] = -np.inf
    rest = np.argsort(-cosine, kind="stable")[: len(catalogue) - 1 - len(found.positions)]
    return Similar(
        np.concatenate([found.positions, rest]),
        np.concatenate([found.scores, -1.0 - np.arange(len(rest)) / len(catalogue)]),
        np.concatenate([found.is_co_purchase, np.zeros(len(rest), bool)]),
    )


def explain(catalogue: Catalogue, position: int, other: int, is_together: bool) -> str:
    """Explain in a sentence why `other` is similar to the product at `position`."""
    name = catalogue.names[position] or f"product {catalogue.product_ids[position]}"
    if is_together:
        return f"Often bought with {name}"
    same = {field: codes[position] == codes[other] > 0 for field, codes in catalogue.codes.items()}
    if same["product_type"]:
        return "Same type from the same maker" if same["manufacturer_id"] else "Same type from another maker"
    return f"Same category as {name}" if same["category"] else f"Bought by the same customers as {name}"
