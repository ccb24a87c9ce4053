"""Candidate sources: each scores the products of a shelf for a block of customers, float32 `[customers, shelf]`."""

from collections.abc import Callable

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.catalogue import Catalogue

NO_SCORE = np.float32(-np.inf)


def repeat_purchases(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """How often and how lately the customer bought the product; nothing for products never bought."""
    scores = np.full((len(block.customers), len(shelf)), NO_SCORE, np.float32)
    for row, positions in enumerate(block.positions):
        places = shelf.places[positions]
        there = np.flatnonzero(places >= 0)
        scores[row, places[there]] = block.history(row, "decayed_120d")[there]
    return scores


def two_tower(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """Cosine of the query's and the product's vectors."""
    cosines: np.ndarray = block.vectors @ shelf.vectors.T
    return cosines


def item_to_item(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """EASE on everything the customer ever bought, weighted as it was when it was fitted."""
    return _ease(block, shelf, "decayed_120d")


def item_to_item_recent(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """The same weights on what the customer bought in the last weeks."""
    return _ease(block, shelf, "decayed_20d")


def _ease(block: CustomerBatch, shelf: ProductSubset, name: str) -> np.ndarray:
    model = block.catalogue.item_to_item
    scores: np.ndarray = np.stack([shelf.buyers.dot(each) for each in block.similarity(name)]) / shelf.unexplained
    for row, positions in enumerate(block.positions):  # a product must not recommend itself
        places = shelf.places[positions]
        there = np.flatnonzero(places >= 0)
        explained = model.diagonal[positions[there]]
        scores[row, places[there]] -= np.sqrt(block.history(row, name)[there]) * explained / (1.0 - explained)
    return scores


def item_knn(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """Products bought by the same customers as those the customer buys; nothing if none was fitted."""
    scores: np.ndarray = (shelf.alike @ block.purchases("decayed_120d").sqrt().T).toarray().T
    return scores


def user_knn(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """What customers with similar histories bought in the last four weeks."""
    return block.heard[:, shelf.positions]


def matrix_factorization(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """Implicit matrix factorisation; the customer is folded in, so that today's purchases count."""
    scores: np.ndarray = block.taste @ block.catalogue.factors.vectors[shelf.positions].T
    return scores


def substitutes(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """Other products of the lines (a type from one maker) that the customer buys, by their share of the line."""
    scores: np.ndarray = block.affinity(block.catalogue.lines, "decayed_120d", shelf.lines) * shelf.share_in_line
    return scores


def type_affinity(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """The customer's recent share of the product's type times the product's recent share in that type."""
    types = block.catalogue.codes["product_type"]
    scores: np.ndarray = block.affinity(types, "decayed_60d", shelf.types) * shelf.share_in_type
    return scores


def popular(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """What most customers bought in the last four weeks, the same for everybody."""
    return np.broadcast_to(shelf.popularity, (len(block.customers), len(shelf)))


def trending(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """Customers who bought the product for the first time in the last eight weeks."""
    return np.broadcast_to(shelf.first_buyers, (len(block.customers), len(shelf)))


def upcoming_promotions(block: CustomerBatch, shelf: ProductSubset) -> np.ndarray:
    """Products on a mailer of the next four weeks, weighted by the customer's affinity to their type."""
    types = block.catalogue.codes["product_type"]
    scores: np.ndarray = np.sqrt(block.affinity(types, "decayed_120d", shelf.types)) * shelf.planned
    return scores


SOURCES = {
    source.__name__: source
    for source in (
        repeat_purchases,
        two_tower,
        item_to_item,
        item_to_item_recent,
        item_knn,
        user_knn,
        matrix_factorization,
        type_affinity,
        substitutes,
        popular,
        trending,
        upcoming_promotions,
    )
}
"""Every source by the name that items carry."""

NON_PERSONALISED: dict[str, Callable[[Catalogue], np.ndarray]] = {
    "popular": lambda catalogue: catalogue.by_popularity,
    "trending": lambda catalogue: catalogue.by_trend,
}
"""Sources that say the same to everybody, by their order of the catalogue, which need not be sorted for each."""
