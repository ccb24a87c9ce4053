"""Some products of a catalogue: what a source reads when it scores them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scoring.candidates.computed_once import ComputedOnce
from scoring.catalogue import Catalogue

FULL_SCAN_BELOW = 10_000
"""Products: a catalogue of at most this size is scored whole, because there is nothing to save."""

NEW_PRODUCT_DAYS = 28.0
"""A product first sold within this time may be proposed regardless of its number of buyers."""


@dataclass(frozen=True)
class ProductSubset(ComputedOnce):
    """Products by their catalogue indices `positions`, ascending, int64 `[n]`.

    The arrays that sources read are gathered on first use and kept as long as the subset, so for the active products
    as long as their retriever.
    """

    catalogue: Catalogue
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def index_of(self) -> np.ndarray:
        """The index in the subset of each product of the catalogue, int32 `[products]`; -1 if it is not in it."""
        index = np.full(len(self.catalogue), -1, np.int32)
        index[self.positions] = np.arange(len(self.positions), dtype=np.int32)
        return index

    @cached_property
    def vectors(self) -> np.ndarray:
        """The candidate tower's output, float32 `[n, dimensions]`."""
        vectors: np.ndarray = self.catalogue.vectors[self.positions]
        return vectors

    @cached_property
    def types(self) -> np.ndarray:
        """The vocabulary number of each product's type, int32 `[n]`."""
        types: np.ndarray = self.catalogue.codes["product_type"][self.positions]
        return types

    @cached_property
    def lines(self) -> np.ndarray:
        """The number of each product's line, a type from one manufacturer, int32 `[n]`."""
        lines: np.ndarray = self.catalogue.lines[self.positions]
        return lines

    def column(self, name: str) -> np.ndarray:
        """Return one of `schema.ACTIVITY`, float32 `[n]`."""
        # The products first: a column of the whole catalogue lies scattered over all of its numbers.
        return self.cached(("column", name), lambda: self.catalogue.column(name)[self.positions])


def active_products(catalogue: Catalogue) -> np.ndarray:
    """Return catalogue indices of products that may be put forward to customers who never bought them.

    In a large catalogue most products hardly sell, and scoring them costs most of a request's time. So products with
    fewer than `min_recent_buyers` in thirteen weeks are left out, unless they are new or have not been on sale yet.
    """
    if len(catalogue) <= FULL_SCAN_BELOW:
        return np.arange(len(catalogue))
    new = (catalogue.column("buyers") == 0) | (catalogue.column("days_since_first_sale") <= NEW_PRODUCT_DAYS)
    return np.flatnonzero((catalogue.column("buyers_13w") >= catalogue.min_recent_buyers) | new)
