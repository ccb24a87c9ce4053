"""Candidate sources: each scores the products of a shelf for a block of customers, float32 `[customers, shelf]`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from scoring.candidates.product_subset import Shelf
from scoring.candidates.purchase_matrix import Purchases
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.sparse_rows import Rows

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

    def mine(self, row: int, positions: np.ndarray) -> np.ndarray:
        """Where products stand in `positions[row]`, int32 `[n]`; -1 if the customer never bought them."""
        place = np.full(len(self.catalogue), -1, np.int32)
        place[self.positions[row]] = np.arange(len(self.positions[row]), dtype=np.int32)
        mine: np.ndarray = place[positions]
        return mine

    @cached_property
    def buyers(self) -> list[Rows]:
        """For each customer item-to-item's buyers of the products ever bought, `[products, buyers]`."""
        return [Rows.of(self.catalogue.item_to_item.buyers, own) for own in self.positions]

    def similarity(self, name: str) -> np.ndarray:
        """What item-to-item's customers say of the purchases, by the root of one of `schema.HISTORY`."""
        if name not in self._similarities:
            model = self.catalogue.item_to_item
            self._similarities[name] = (
                model.similarity_to(self.buyers[0], np.sqrt(self.own(0, name)))[np.newaxis]
                if len(self.customers) == 1
                else model.similarity(self.purchases(name).sqrt())
            )
        return self._similarities[name]

    @cached_property
    def _similarities(self) -> dict[str, np.ndarray]:
        return {}

    @cached_property
    def likeness(self) -> np.ndarray:
        """How loud each neighbour speaks, float32 `[customers, neighbours]`."""
        model = self.catalogue.neighbours
        return np.stack([model.likeness(own, self.own(row, "baskets")) for row, own in enumerate(self.positions)])

    @cached_property
    def heard(self) -> np.ndarray:
        """What the neighbours say of every product, float32 `[customers, products]`."""
        return np.stack([self.catalogue.neighbours.scores(likeness) for likeness in self.likeness])

    @cached_property
    def taste(self) -> np.ndarray:
        """The customers' factors, float32 `[customers, factors]`."""
        return self.catalogue.factors.folded(self.purchases("baskets"))

    def affinity(self, codes: np.ndarray, name: str, on_shelf: np.ndarray) -> np.ndarray:
        """How much of a product's code (its type, say) the customers bought, float32 `[customers, shelf]`.

        codes: of every product of the catalogue; on_shelf: of the products asked about.
        """
        scores = np.empty((len(self.customers), len(on_shelf)), np.float32)
        size = int(codes.max(initial=0)) + 1
        for row, positions in enumerate(self.positions):
            weight = np.bincount(codes[positions], self.own(row, name), minlength=size)
            weight[0] = 0.0  # 0 is "unknown", not a type
            np.take(weight.astype(np.float32), on_shelf, out=scores[row], mode="clip")  # clip: without a copy
        return scores


def repeats(block: Block, shelf: Shelf) -> np.ndarray:
    """How often and how lately the customer bought the product; nothing for products never bought."""
    scores = np.full((len(block.customers), len(shelf)), NOTHING, np.float32)
    for row, positions in enumerate(block.positions):
        places = shelf.places[positions]
        there = np.flatnonzero(places >= 0)
        scores[row, places[there]] = block.own(row, "decayed_120d")[there]
    return scores


def two_tower(block: Block, shelf: Shelf) -> np.ndarray:
    """Cosine of the query's and the product's vectors."""
    two_tower: np.ndarray = block.vectors @ shelf.vectors.T
    return two_tower


def item_to_item(block: Block, shelf: Shelf) -> np.ndarray:
    """EASE on everything the customer ever bought, weighted as it was when it was fitted."""
    return _ease(block, shelf, "decayed_120d")


def item_to_item_lately(block: Block, shelf: Shelf) -> np.ndarray:
    """The same weights on what the customer bought in the last weeks."""
    return _ease(block, shelf, "decayed_20d")


def _ease(block: Block, shelf: Shelf, name: str) -> np.ndarray:
    model = block.catalogue.item_to_item
    scores: np.ndarray = np.stack([shelf.buyers.times(each) for each in block.similarity(name)]) / shelf.unexplained
    for row, positions in enumerate(block.positions):  # a product must not recommend itself
        places = shelf.places[positions]
        there = np.flatnonzero(places >= 0)
        explained = model.diagonal[positions[there]]
        scores[row, places[there]] -= np.sqrt(block.own(row, name)[there]) * explained / (1.0 - explained)
    return scores


def item_knn(block: Block, shelf: Shelf) -> np.ndarray:
    """Products bought by the same customers as those the customer buys; nothing if none was fitted."""
    item_knn: np.ndarray = (shelf.alike @ block.purchases("decayed_120d").sqrt().T).toarray().T
    return item_knn


def neighbours(block: Block, shelf: Shelf) -> np.ndarray:
    """What customers with similar histories bought in the last four weeks."""
    return block.heard[:, shelf.positions]


def factors(block: Block, shelf: Shelf) -> np.ndarray:
    """Implicit matrix factorisation; the customer is folded in, so that today's purchases count."""
    factors: np.ndarray = block.taste @ block.catalogue.factors.vectors[shelf.positions].T
    return factors


def substitutes(block: Block, shelf: Shelf) -> np.ndarray:
    """Other products of the lines (a type from one maker) that the customer buys, by their share of the line."""
    substitutes: np.ndarray = block.affinity(block.catalogue.lines, "decayed_120d", shelf.lines) * shelf.share_in_line
    return substitutes


def type_affinity(block: Block, shelf: Shelf) -> np.ndarray:
    """The customer's recent share of the product's type times the product's recent share in that type."""
    types = block.catalogue.codes["product_type"]
    type_affinity: np.ndarray = block.affinity(types, "decayed_60d", shelf.types) * shelf.share_in_type
    return type_affinity


def popular(block: Block, shelf: Shelf) -> np.ndarray:
    """What most customers bought in the last four weeks, the same for everybody."""
    return np.broadcast_to(shelf.popularity, (len(block.customers), len(shelf)))


def trend(block: Block, shelf: Shelf) -> np.ndarray:
    """Customers who bought the product for the first time in the last eight weeks."""
    return np.broadcast_to(shelf.first_buyers, (len(block.customers), len(shelf)))


def coming_mailer(block: Block, shelf: Shelf) -> np.ndarray:
    """Products on a mailer of the next four weeks, weighted by the customer's affinity to their type."""
    types = block.catalogue.codes["product_type"]
    coming_mailer: np.ndarray = np.sqrt(block.affinity(types, "decayed_120d", shelf.types)) * shelf.planned
    return coming_mailer


SOURCES = {
    source.__name__: source
    for source in (
        repeats,
        two_tower,
        item_to_item,
        item_to_item_lately,
        item_knn,
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
