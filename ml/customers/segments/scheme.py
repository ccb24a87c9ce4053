"""Declare a segmentation: segments with names, and a rule that assigns customers to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ml.customers.segments.customers import Customers

UNASSIGNED = -1
"""The segment of a customer with too little data."""


@dataclass(frozen=True)
class Segment:
    """One segment of a scheme.

    Attributes:
        id: stays the same as long as the meaning does; filters and files contain it.
        label: the name a person reads.
    """

    id: str
    label: str


class Scheme(Protocol):
    """A fitted segmentation."""

    @property
    def segments(self) -> Sequence[Segment]:
        """Return the segments; an assignment is a position in this sequence."""

    def at(self, customers: Customers) -> "Scheme":
        """Return the scheme as it applies at the customers' snapshot, such as with that day's thresholds."""

    def assign(self, customers: Customers, previous: np.ndarray | None = None) -> np.ndarray:
        """Return the segment of each customer, int `[n]`, or `UNASSIGNED`.

        Args:
            customers: the customers of one snapshot.
            previous: their segments at the snapshot before, int `[n]`; a customer stays there within the margin.
        """
