"""The taste axis: k-means on a few components of the shares of categories in a customer's spend.

Shares enter as square roots (Hellinger distance), so that a large category such as fuel does not decide alone.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csr_matrix

from ml.customers.segments.clusters import fit_centres, nearest_centre
from ml.customers.segments.customers import Customers
from ml.customers.segments.scheme import UNASSIGNED, Segment

COMPONENTS = 3
MIN_PURCHASES = 20
"""Baskets, counted once per category in them, below which a customer's shares are mostly chance."""
NAMED_CATEGORIES = 3


@dataclass(frozen=True)
class TasteClusters:
    """Centres in the space of the components.

    Attributes:
        categories: the columns of `Customers.category_spend`, in order.
        mean: mean square root of each category's share, float `[categories]`.
        components: float `[categories, components]`.
        centres: float `[clusters, components]`.
        names: the clusters' segments.
        margin: by which share of the old distance a new centre must be nearer for a customer to change.
    """

    categories: list[str]
    mean: np.ndarray
    components: np.ndarray
    centres: np.ndarray
    names: tuple[Segment, ...]
    margin: float

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Return the clusters' names."""
        return self.names

    def at(self, customers: Customers) -> "TasteClusters":
        """Return the same clusters: their centres do not move between two fits."""
        return self

    def assign(self, customers: Customers, previous: np.ndarray | None = None) -> np.ndarray:
        """Return the cluster of each customer, int `[n]`; `UNASSIGNED` with few purchases."""
        points = root_shares(customers.category_spend) @ self.components - self.mean @ self.components
        found = nearest_centre(np.asarray(points), self.centres, previous, self.margin)
        return np.where(has_taste(customers), found, UNASSIGNED)

    def as_dict(self) -> dict[str, Any]:
        """Return the clusters as JSON-compatible values."""
        return {
            "margin": self.margin,
            "segments": [vars(segment) for segment in self.names],
            "categories": self.categories,
            "mean": self.mean.tolist(),
            "components": self.components.tolist(),
            "centres": self.centres.tolist(),
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "TasteClusters":
        """Return the clusters that `as_dict` described."""
        return cls(
            fields["categories"],
            np.array(fields["mean"]),
            np.array(fields["components"]),
            np.array(fields["centres"]),
            tuple(Segment(**segment) for segment in fields["segments"]),
            fields["margin"],
        )

    @classmethod
    def fit(cls, customers: Customers, clusters: int, margin: float, seed: int) -> "TasteClusters":
        """Fit components and centres on the customers with enough purchases.

        Args:
            customers: the customers of one snapshot.
            clusters: how many.
            margin: see the class.
            seed: decides where k-means starts.
        """
        shares = root_shares(customers.category_spend[has_taste(customers)])
        mean = np.asarray(shares.mean(axis=0)).ravel()
        covariance = (shares.T @ shares).toarray() / shares.shape[0] - np.outer(mean, mean)
        size = len(mean)
        _, vectors = eigh(covariance, subset_by_index=(max(0, size - COMPONENTS), size - 1))
        components = vectors[:, ::-1]
        # The sign of an eigenvector is arbitrary: make its largest entry positive, so that two fits are equal.
        largest = np.abs(components).argmax(axis=0)
        components = components * np.sign(components[largest, np.arange(components.shape[1])])
        points = np.asarray(shares @ components - mean @ components)
        centres = fit_centres(points, clusters, seed)
        fitted = cls(customers.categories, mean, components, centres, (), margin)
        nearest = nearest_centre(points, centres, None, 0.0)
        excess = np.stack([np.asarray(shares[nearest == k].mean(axis=0)).ravel() - mean for k in range(clusters)])
        return replace(fitted, names=name_clusters(customers.categories, excess))


def has_taste(customers: Customers) -> np.ndarray:
    """Return which customers have enough purchases for a taste, bool `[n]`."""
    return np.asarray((customers.category_baskets >= MIN_PURCHASES) & (customers.category_spend.getnnz(axis=1) > 0))


def root_shares(amounts: csr_matrix) -> csr_matrix:
    """Return the square root of each row's shares."""
    totals = np.asarray(amounts.sum(axis=1, dtype=np.float64)).ravel()
    shares = amounts.astype(np.float64)
    shares.data = np.sqrt(shares.data / np.repeat(totals, np.diff(shares.indptr)))
    return shares


def name_clusters(categories: list[str], excess: np.ndarray) -> tuple[Segment, ...]:
    """Name each cluster by the categories it exceeds the average most in.

    Args:
        categories: names of the columns.
        excess: square root of a category's share in a cluster minus that of all customers, `[clusters, categories]`.

    Returns:
        Segments whose id is the most distinguishing category that no larger cluster has as its id.
    """
    names: list[Segment] = []
    for row in excess:
        order = [int(column) for column in np.argsort(-row, kind="stable")]
        slugs = [slug(categories[column]) for column in order]
        taken = {segment.id for segment in names}
        identity = next((name for name in slugs if name not in taken), f"cluster-{len(names) + 1}")
        *first, last = [categories[column] for column in order[:NAMED_CATEGORIES]]
        names.append(Segment(identity, f"Buys more {', '.join(first)} and {last}" if first else f"Buys more {last}"))
    return tuple(names)


def slug(name: str) -> str:
    """Return a name in lower case with hyphens between its words, such as `soft-drinks`."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "unnamed"
