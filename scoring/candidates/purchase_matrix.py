"""Customers' purchases as a sparse matrix in the catalogue's order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scoring.customer.customer import Customer


@dataclass(frozen=True)
class PurchaseMatrix:
    """Some customers' histories in a catalogue's order; products that are not in the catalogue are left out.

    Attributes:
        customers: The customers.
        found: For each customer the catalogue index of each product of the history, -1 if it is not in the catalogue.
        positions: For each customer the catalogue indices of the products ever bought.
        picks: The indices of those products in the customer's history arrays.
        seen: For each customer the catalogue index of each product of `recent.seen`, -1 if it is not in the catalogue.
        products: The number of products in the catalogue.
    """

    customers: Sequence[Customer]
    found: list[np.ndarray]
    positions: list[np.ndarray]
    picks: list[np.ndarray]
    seen: list[np.ndarray]
    products: int

    @classmethod
    def of(cls, customers: Sequence[Customer], index: Mapping[str, int]) -> "PurchaseMatrix":
        """Find the customers' products in a catalogue, by the position of each product id in `index`."""
        found = [
            np.array([index.get(product_id, -1) for product_id in customer.product_ids], dtype=np.int64)
            for customer in customers
        ]
        picks = [np.flatnonzero(positions >= 0) for positions in found]
        known = [positions[pick] for positions, pick in zip(found, picks, strict=True)]
        seen = [
            np.array([index.get(each.product_id, -1) for each in customer.recent.seen], dtype=np.int64)
            for customer in customers
        ]
        return cls(customers, found, known, picks, seen, len(index))

    def history(self, row: int, name: str) -> np.ndarray:
        """Return one of `schema.HISTORY` for a customer's products, aligned with `positions[row]`."""
        values: np.ndarray = self.customers[row].history[name][self.picks[row]]
        return values

    def matrix(self, name: str) -> sparse.csr_matrix:
        """Return one of `schema.HISTORY`, csr float32 `[customers, products]`; all names have the same pattern."""
        indptr = np.concatenate([[0], np.cumsum([len(positions) for positions in self.positions])])
        indices = np.concatenate([*self.positions, np.zeros(0, np.int64)])
        values = np.concatenate(
            [*(self.history(row, name) for row in range(len(self.customers))), np.zeros(0, np.float32)]
        )
        shape = (len(self.customers), self.products)
        return sparse.csr_matrix((values, indices, indptr), shape=shape, dtype=np.float32)
