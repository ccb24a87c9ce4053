"""Customers that are scored together, in front of one catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.sparse_rows import SparseRows


@dataclass(frozen=True)
class CustomerBatch:
    """Some customers in front of one catalogue.

    bought: the customers' histories in the catalogue's order.
    vectors: query vectors, float32 `[customers, dimensions]`.
    """

    catalogue: Catalogue
    bought: PurchaseMatrix
    vectors: np.ndarray

    @classmethod
    def of(cls, customers: Sequence[Customer], catalogue: Catalogue, vectors: np.ndarray) -> "CustomerBatch":
        return cls(catalogue, PurchaseMatrix.of(customers, catalogue.index), vectors)

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

    def history(self, row: int, name: str) -> np.ndarray:
        """One of `schema.HISTORY` for the customer's products, aligned with `positions[row]`."""
        return self.bought.history(row, name)

    def index_of_purchased(self, row: int, positions: np.ndarray) -> np.ndarray:
        """Where products stand in `positions[row]`, int32 `[n]`; -1 if the customer never bought them."""
        place = np.full(len(self.catalogue), -1, np.int32)
        place[self.positions[row]] = np.arange(len(self.positions[row]), dtype=np.int32)
        index: np.ndarray = place[positions]
        return index

    @cached_property
    def buyers(self) -> list[SparseRows]:
        """For each customer item-to-item's buyers of the products ever bought, `[products, buyers]`."""
        return [SparseRows.of(self.catalogue.item_to_item.buyers, own) for own in self.positions]

    def similarity(self, name: str) -> np.ndarray:
        """What item-to-item's customers say of the purchases, by the root of one of `schema.HISTORY`."""
        if name not in self._similarities:
            model = self.catalogue.item_to_item
            self._similarities[name] = (
                model.similarity_to(self.buyers[0], np.sqrt(self.history(0, name)))[np.newaxis]
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
        return np.stack([model.likeness(own, self.history(row, "baskets")) for row, own in enumerate(self.positions)])

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
            weight = np.bincount(codes[positions], self.history(row, name), minlength=size)
            weight[0] = 0.0  # 0 is "unknown", not a type
            np.take(weight.astype(np.float32), on_shelf, out=scores[row], mode="clip")  # clip: without a copy
        return scores
