"""Some products of a catalogue, side by side: what a source looks at when it scores them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from scoring.models.sparse_rows import SparseRows

if TYPE_CHECKING:
    from scoring.catalogue import Catalogue

FULL_SCAN_BELOW = 10_000
"""A catalogue of so many products is scored whole: there is nothing to save."""

NEW_DAYS = 28.0
"""A product first sold so lately may be put forward whoever bought it."""


@dataclass(frozen=True)
class ProductSubset:
    """Products by their catalogue indices `positions`, ascending, int64 `[n]`.

    What sources read of them is gathered when it is first asked for, and kept: the shelf of lively products lives as
    long as its catalogue.
    """

    catalogue: "Catalogue"
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def places(self) -> np.ndarray:
        """Where each product of the catalogue stands on the shelf, int32 `[products]`; -1 if it does not."""
        places = np.full(len(self.catalogue), -1, np.int32)
        places[self.positions] = np.arange(len(self.positions), dtype=np.int32)
        return places

    @cached_property
    def vectors(self) -> np.ndarray:
        """The candidate tower's output, float32 `[n, dimensions]`."""
        vectors: np.ndarray = self.catalogue.vectors[self.positions]
        return vectors

    @cached_property
    def types(self) -> np.ndarray:
        types: np.ndarray = self.catalogue.codes["product_type"][self.positions]
        return types

    @cached_property
    def lines(self) -> np.ndarray:
        lines: np.ndarray = self.catalogue.lines[self.positions]
        return lines

    @cached_property
    def share_in_type(self) -> np.ndarray:
        """The product's share of its type's buyers in eight weeks, float32 `[n]`."""
        return self._column("share_in_type_8w")

    @cached_property
    def share_in_line(self) -> np.ndarray:
        share_in_line: np.ndarray = self.catalogue.share_in_line[self.positions]
        return share_in_line

    @cached_property
    def planned(self) -> np.ndarray:
        """Stores that will put it on a mailer times the logarithm of its buyers, float32 `[n]`."""
        planned: np.ndarray = self._column("mailer_stores_next") * np.log1p(self._column("buyers_13w"))
        return planned

    @cached_property
    def popularity(self) -> np.ndarray:
        popularity: np.ndarray = self.catalogue.popularity[self.positions].astype(np.float32)
        return popularity

    @cached_property
    def first_buyers(self) -> np.ndarray:
        """Who bought the product for the first time in eight weeks, float32 `[n]`."""
        return self._column("first_buyers_8w")

    @cached_property
    def unexplained(self) -> np.ndarray:
        """What item-to-item cannot tell from the product itself, float32 `[n]`."""
        unexplained: np.ndarray = 1.0 - self.catalogue.item_to_item.diagonal[self.positions]
        return unexplained

    @cached_property
    def buyers(self) -> SparseRows:
        """The products' rows of item-to-item's purchases, `[n, customers]`."""
        return SparseRows.of(self.catalogue.item_to_item.buyers, self.positions)

    @cached_property
    def alike(self) -> sparse.csr_matrix:
        """The products' rows of item-kNN's likeness, csr `[n, products]`."""
        model = self.catalogue.item_knn
        if model is None:
            return sparse.csr_matrix((len(self), len(self.catalogue)), dtype=np.float32)
        return model.likeness[self.positions]

    def _column(self, name: str) -> np.ndarray:
        # The products first: a column of the whole catalogue lies scattered over all of its numbers.
        column: np.ndarray = self.catalogue.column(name)[self.positions]
        return column


def lively(catalogue: "Catalogue", buyers: int) -> np.ndarray:
    """Catalogue indices of products that may be put forward to customers who never bought them.

    In a large catalogue most products hardly sell, and scoring them costs most of a request's time: left out are
    those with fewer than `buyers` in thirteen weeks, unless they are new or have not been on sale yet.
    """
    if len(catalogue) <= FULL_SCAN_BELOW:
        return np.arange(len(catalogue))
    new = (catalogue.column("buyers") == 0) | (catalogue.column("days_since_first_sale") <= NEW_DAYS)
    return np.flatnonzero((catalogue.column("buyers_13w") >= buyers) | new)
