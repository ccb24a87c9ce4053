"""Two schemes that are tried with every fit to show what a certificate refuses."""

import hashlib
from dataclasses import dataclass

import numpy as np

from ml.customers.segments.clusters import fit_centres, nearest_centre
from ml.customers.segments.customers import Customers
from ml.customers.segments.scheme import UNASSIGNED, Segment

RFM_CLUSTERS = 8
RANDOM_GROUPS = 3


@dataclass(frozen=True)
class RfmClusters:
    """K-means on recency, frequency and money, the textbook segmentation: its clusters move with every sample.

    Attributes:
        mean: mean of each dimension, float `[3]`.
        scale: standard deviation of each dimension, float `[3]`.
        centres: float `[clusters, 3]`.
    """

    mean: np.ndarray
    scale: np.ndarray
    centres: np.ndarray

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Return numbered clusters."""
        return tuple(Segment(f"rfm-{k + 1}", f"RFM cluster {k + 1}") for k in range(len(self.centres)))

    def at(self, customers: Customers) -> "RfmClusters":
        """Return the same clusters."""
        return self

    def assign(self, customers: Customers, previous: np.ndarray | None = None) -> np.ndarray:
        """Return the nearest centre of each customer who spent anything, int `[n]`."""
        found = nearest_centre((_rfm(customers) - self.mean) / self.scale, self.centres, None, 0.0)
        return np.where(customers.spend > 0, found, UNASSIGNED)

    @classmethod
    def fit(cls, customers: Customers, seed: int) -> "RfmClusters":
        """Fit on the customers who spent anything."""
        points = _rfm(customers)[customers.spend > 0]
        mean, scale = points.mean(axis=0), np.maximum(points.std(axis=0), 1e-9)
        return cls(mean, scale, fit_centres((points - mean) / scale, RFM_CLUSTERS, seed))


@dataclass(frozen=True)
class RandomSplit:
    """Groups by a hash of the customer id: perfectly stable, and they explain nothing."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Return numbered groups."""
        return tuple(Segment(f"random-{k + 1}", f"Random group {k + 1}") for k in range(RANDOM_GROUPS))

    def at(self, customers: Customers) -> "RandomSplit":
        """Return the same groups."""
        return self

    def assign(self, customers: Customers, previous: np.ndarray | None = None) -> np.ndarray:
        """Return the group of each customer, int `[n]`."""
        digests = (hashlib.sha256(customer.encode()).digest() for customer in customers.ids)
        return np.array([int.from_bytes(digest[:8]) % RANDOM_GROUPS for digest in digests], dtype=int)


def _rfm(customers: Customers) -> np.ndarray:
    return np.asarray(np.log1p(np.stack([customers.recency, customers.baskets, customers.spend], axis=1)))
