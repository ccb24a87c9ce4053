"""Candidate sources: each looks at a block of customers and names the products it would put forward."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scoring.catalogue import Catalogue
from scoring.customer import Customer
from scoring.purchases import Purchases

NOTHING = np.float32(-np.inf)


@dataclass(frozen=True)
class Block:
    """Some customers in front of one catalogue.

    bought: the customers' histories in the catalogue's order.
    vectors: query vectors, float32 `[customers, dimensions]`.
    """

    catalogue: Catalogue
    bought: Purchases
    vectors: np.ndarray

    @classmethod
    def of(cls, customers: Sequence[Customer], catalogue: Catalogue, vectors: np.ndarray) -> "Block":
        return cls(catalogue, Purchases.of(customers, catalogue.index), vectors)

    @property
    def customers(self) -> Sequence[Customer]:
        return self.bought.customers

    @property
    def positions(self) -> list[np.ndarray]:
        """For each customer the catalogue indices of the products ever bought."""
        return self.bought.positions

    def purchases(self, name: str) -> sparse.csr_matrix:
        """One of `schema.HISTORY` for everybody, csr `[customers, products]`."""
        return self.bought.matrix(name)

    def own(self, row: int, name: str) -> np.ndarray:
        """One of `schema.HISTORY` for the customer's products, aligned with `positions[row]`."""
        return self.bought.own(row, name)


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
    """EASE on everything the customer ever bought, weighted as it was when the model was fitted."""
    return block.catalogue.item_to_item.scores(block.purchases("decayed_120d").sqrt())


def neighbours(block: Block) -> np.ndarray:
    """What customers with similar histories bought in the last four weeks."""
    return block.catalogue.neighbours.scores(block.purchases("baskets"))


def factors(block: Block) -> np.ndarray:
    """Implicit matrix factorisation; the customer is folded in, so that today's purchases count."""
    return block.catalogue.factors.scores(block.purchases("baskets"))


def substitutes(block: Block) -> np.ndarray:
    """Other products of the lines (a type from one maker) that the customer buys, by their share of the line."""
    lines, share = block.catalogue.lines, block.catalogue.share_in_line
    return _affinity(block, lines, "decayed_120d") * share


def type_affinity(block: Block) -> np.ndarray:
    """The customer's recent share of the product's type times the product's recent share in that type."""
    share = block.catalogue.column("share_in_type_8w")
    return _affinity(block, block.catalogue.codes["product_type"], "decayed_60d") * share


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
    planned = block.catalogue.column("mailer_stores_next") * np.log1p(block.catalogue.column("buyers_13w"))
    return np.sqrt(_affinity(block, block.catalogue.codes["product_type"], "decayed_120d")) * planned


def _affinity(block: Block, codes: np.ndarray, name: str) -> np.ndarray:
    """How much of a product's code (its type, say) the customer bought, float32 `[customers, products]`."""
    scores = np.zeros((len(block.customers), len(block.catalogue)), np.float32)
    for row, positions in enumerate(block.positions):
        weight = np.bincount(codes[positions], block.own(row, name), minlength=codes.max(initial=0) + 1)
        weight[0] = 0.0  # 0 is "unknown", not a type
        scores[row] = weight.astype(np.float32)[codes]
    return scores


SOURCES = {
    source.__name__: source
    for source in (
        repeats,
        two_tower,
        item_to_item,
        neighbours,
        factors,
        type_affinity,
        substitutes,
        popular,
        trend,
        coming_mailer,
    )
}
"""Every source by the name that items carry."""

SAME_FOR_ALL: dict[str, Callable[[Catalogue], np.ndarray]] = {
    "popular": lambda catalogue: catalogue.by_popularity,
    "trend": lambda catalogue: catalogue.by_trend,
}
"""Sources that say the same to everybody, by their order of the catalogue, which need not be sorted for each."""
