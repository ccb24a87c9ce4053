"""Customers that are scored together, in front of one catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.candidates.computed_once import ComputedOnce
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer


@dataclass(frozen=True)
class CustomerBatch(ComputedOnce):
    """Some customers in front of one catalogue.

    Attributes:
        catalogue: The products.
        bought: The customers' purchases in the catalogue's order.
        vectors: Query vectors, float32 `[customers, dimensions]`.
    """

    catalogue: Catalogue
    bought: PurchaseMatrix
    vectors: np.ndarray

    @classmethod
    def of(cls, customers: Sequence[Customer], catalogue: Catalogue, vectors: np.ndarray) -> "CustomerBatch":
        """Find the customers' purchases in the catalogue."""
        return cls(catalogue, PurchaseMatrix.of(customers, catalogue.index), vectors)

    @property
    def customers(self) -> Sequence[Customer]:
        """The customers, one a row."""
        return self.bought.customers

    @property
    def positions(self) -> list[np.ndarray]:
        """For each customer the catalogue indices of the products ever bought."""
        return self.bought.positions

    def history(self, row: int, name: str) -> np.ndarray:
        """Return one of `schema.HISTORY` for the customer's products, aligned with `positions[row]`."""
        return self.bought.history(row, name)

    def index_of_purchased(self, row: int, positions: np.ndarray) -> np.ndarray:
        """Return the index of products in `positions[row]`, int32 `[n]`; -1 if the customer never bought them."""
        index = np.full(len(self.catalogue), -1, np.int32)
        index[self.positions[row]] = np.arange(len(self.positions[row]), dtype=np.int32)
        found: np.ndarray = index[positions]
        return found

    def affinity(self, codes: np.ndarray, name: str, subset_codes: np.ndarray) -> np.ndarray:
        """Sum the customers' purchases of each product's code (such as its type), float32 `[customers, subset]`.

        Args:
            codes: The codes of every product of the catalogue.
            name: One of `schema.HISTORY`, which is summed.
            subset_codes: The codes of the products to score.
        """
        scores = np.empty((len(self.customers), len(subset_codes)), np.float32)
        size = int(codes.max(initial=0)) + 1
        for row, positions in enumerate(self.positions):
            weight = np.bincount(codes[positions], self.history(row, name), minlength=size)
            weight[0] = 0.0  # 0 is "unknown", not a type
            np.take(weight.astype(np.float32), subset_codes, out=scores[row], mode="clip")  # clip: without a copy
        return scores
