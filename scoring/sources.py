"""Candidate sources: each looks at a block of customers and names the products it would put forward."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scoring.catalogue import Catalogue
from scoring.customer import Customer

NOTHING = np.float32(-np.inf)


@dataclass(frozen=True)
class Block:
    """Some customers in front of one catalogue.

    positions: for each customer the catalogue indices of the products ever bought.
    picks: where those products stand in the customer's own history arrays (products the catalogue does not know
        are left out of both).
    vectors: query vectors, float32 `[customers, dimensions]`.
    """

    customers: Sequence[Customer]
    catalogue: Catalogue
    positions: list[np.ndarray]
    picks: list[np.ndarray]
    vectors: np.ndarray

    @classmethod
    def of(cls, customers: Sequence[Customer], catalogue: Catalogue, vectors: np.ndarray) -> "Block":
        positions, picks = [], []
        for customer in customers:
            found = [catalogue.index.get(product_id, -1) for product_id in customer.product_ids]
            indices = np.asarray(found, dtype=np.int64)
            pick = np.flatnonzero(indices >= 0)
            positions.append(indices[pick])
            picks.append(pick)
        return cls(customers, catalogue, positions, picks, vectors)

    def own(self, row: int, name: str) -> np.ndarray:
        """One of `schema.HISTORY` for the customer's products, aligned with `positions[row]`."""
        return self.customers[row].history[name][self.picks[row]]


def repeats(block: Block) -> np.ndarray:
    """How often and how lately the customer bought the product, float32 `[customers, products]`."""
    scores = np.full((len(block.customers), len(block.catalogue)), NOTHING, np.float32)
    for row, positions in enumerate(block.positions):
        scores[row, positions] = block.own(row, "decayed_120d")
    return scores


def two_tower(block: Block) -> np.ndarray:
    """Cosine of the query's and the product's vectors."""
    return block.vectors @ block.catalogue.vectors.T


def item_to_item(block: Block) -> np.ndarray:
    """EASE on everything the customer ever bought."""
    lengths = [len(positions) for positions in block.positions]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate(block.positions) if block.positions else np.zeros(0, np.int64)
    queries = sparse.csr_matrix(
        (np.ones(len(indices), np.float32), indices, indptr),
        shape=(len(block.customers), len(block.catalogue)),
    )
    return block.catalogue.item_to_item.scores(queries)


def type_affinity(block: Block) -> np.ndarray:
    """The customer's recent share of the product's type times the product's recent share in that type."""
    types = block.catalogue.codes["product_type"]
    share = block.catalogue.column("share_in_type_8w")
    scores = np.zeros((len(block.customers), len(block.catalogue)), np.float32)
    for row, positions in enumerate(block.positions):
        weight = np.bincount(types[positions], block.own(row, "decayed_60d"), minlength=types.max() + 1)
        weight[0] = 0.0  # type 0 is "unknown", not a type
        scores[row] = weight[types].astype(np.float32) * share
    return scores


def popular(block: Block) -> np.ndarray:
    """What most customers bought in the last four weeks, the same for everybody."""
    score = block.catalogue.popularity.astype(np.float32)
    return np.broadcast_to(score, (len(block.customers), len(score)))


def trend(block: Block) -> np.ndarray:
    """Customers who bought the product for the first time in the last eight weeks."""
    score = block.catalogue.column("first_buyers_8w")
    return np.broadcast_to(score, (len(block.customers), len(score)))


def coming_mailer(block: Block) -> np.ndarray:
    """Products on a mailer of the next four weeks, weighted by the customer's affinity to their type."""
    types = block.catalogue.codes["product_type"]
    planned = block.catalogue.column("mailer_stores_next") * np.log1p(block.catalogue.column("buyers_13w"))
    scores = np.zeros((len(block.customers), len(block.catalogue)), np.float32)
    for row, positions in enumerate(block.positions):
        weight = np.bincount(types[positions], block.own(row, "decayed_120d"), minlength=types.max() + 1)
        weight[0] = 0.0
        scores[row] = np.sqrt(weight[types]).astype(np.float32) * planned
    return scores


SOURCES = {
    source.__name__: source
    for source in (repeats, two_tower, item_to_item, type_affinity, popular, trend, coming_mailer)
}
"""Every source by the name that items carry."""
