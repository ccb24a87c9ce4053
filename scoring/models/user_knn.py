"""Nearest neighbours of customers: what customers with similar histories bought recently.

Similarity is the cosine of purchase vectors weighted by tf-idf (Salton & Buckley 1988): a product bought often counts
more, a product that all customers buy counts less. Scores count the neighbours' purchases of the last four weeks, so
that they follow the season, while the similarity uses the whole history (UP-CF, Faggioli, Polato & Aiolli 2020, with a
hard window).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import sparse

from scoring.models.sparse_rows import SparseRows

RECENT_DAYS = 28.0

SELF_SIMILARITY = 0.9
"""A neighbour more similar than this is the customer itself, as of the fit."""


@dataclass(frozen=True)
class UserKnn:
    """All customers' purchase vectors.

    Attributes:
        vectors: L2-normalised tf-idf, csr `[customers, products]`.
        recent: Whether bought within the last `RECENT_DAYS`, bool, aligned with `vectors.data`.
        idf: The inverse document frequency of each product, float32 `[products]`.
        n_neighbours: How many neighbours count.
    """

    vectors: sparse.csr_matrix
    recent: np.ndarray
    idf: np.ndarray
    n_neighbours: int

    @classmethod
    def fit(cls, baskets: sparse.csr_matrix, days_since_last: np.ndarray, n_neighbours: int) -> "UserKnn":
        """Keep all customers' purchases.

        Args:
            baskets: In how many baskets each customer bought each product, csr `[customers, products]`.
            days_since_last: Days since the last purchase, aligned with the data of `baskets`.
            n_neighbours: How many neighbours count.
        """
        buyers = np.bincount(baskets.indices, minlength=baskets.shape[1])
        idf = np.log(max(baskets.shape[0], 1) / np.maximum(buyers, 1)).astype(np.float32)
        return cls(_normalised(baskets, idf), days_since_last <= RECENT_DAYS, idf, n_neighbours)

    @cached_property
    def _by_product(self) -> sparse.csr_matrix:
        """vectorsᵀ, transposed once instead of for every request."""
        return self.vectors.T.tocsr()

    @cached_property
    def _recent(self) -> sparse.csr_matrix:
        """Purchases of the last weeks, 0/1 `[customers, products]`."""
        recent = self.vectors.copy()  # zeros are removed in place
        recent.data = self.recent.astype(np.float32)
        recent.eliminate_zeros()
        return recent

    def neighbour_weights(self, products: np.ndarray, baskets: np.ndarray) -> np.ndarray:
        """Return the normalised similarity of each neighbour to a customer, float32 `[customers]`.

        It sums to 1, and most of it is 0.

        Args:
            products: The products that the customer bought, as catalogue indices `[n]`.
            baskets: In how many baskets, `[n]`.
        """
        similarity = SparseRows.of(self._by_product, products).weighted_sum(self._query(products, baskets))
        similarity[similarity > SELF_SIMILARITY] = 0.0
        if len(similarity) > self.n_neighbours:
            similarity[similarity < -np.partition(-similarity, self.n_neighbours - 1)[self.n_neighbours - 1]] = 0.0
        weights: np.ndarray = similarity / np.maximum(similarity.sum(), 1e-9)
        return weights

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Return the weighted share of the neighbours that bought each product recently, float32 `[products]`."""
        neighbours = np.flatnonzero(weights)
        return SparseRows.of(self._recent, neighbours).weighted_sum(weights[neighbours])

    def contributions(
        self, products: np.ndarray, baskets: np.ndarray, weights: np.ndarray
    ) -> Callable[[int], np.ndarray]:
        """Return a function from a product to the contribution of each purchase to its score, float32 `[n]`.

        The values sum to the score, up to a factor that is the same for all products.

        Args:
            products: The products that the customer bought, as catalogue indices `[n]`.
            baskets: In how many baskets, `[n]`.
            weights: The result of `neighbour_weights` for them.
        """
        query, neighbours = self._query(products, baskets), np.flatnonzero(weights)
        recent = SparseRows.of(self._recent, neighbours)

        def added(position: int) -> np.ndarray:
            who = np.searchsorted(recent.indptr, np.flatnonzero(recent.indices == position), side="right") - 1
            found: np.ndarray = (
                query * SparseRows.of(self.vectors, neighbours[who]).weighted_sum(np.ones(len(who)))[products]
            )
            return found

        return added

    def _query(self, products: np.ndarray, baskets: np.ndarray) -> np.ndarray:
        weights = _weights(baskets, self.idf[products])
        length = np.maximum(np.sqrt(np.square(weights, dtype=np.float64).sum()), 1e-9).astype(np.float32)
        query: np.ndarray = weights / length
        return query

    def save(self, folder: Path) -> None:
        """Write the model's arrays into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._arrays().items():
            np.save(folder / f"{name}.npy", values)

    @classmethod
    def load(cls, folder: Path) -> "UserKnn":
        """Read what `save` wrote."""
        names = ("indptr", "indices", "values", "recent", "idf", "n_neighbours")
        indptr, indices, values, recent, idf, n_neighbours = (
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in names
        )
        shape = (len(indptr) - 1, len(idf))
        return cls(sparse.csr_matrix((values, indices, indptr), shape=shape), recent, idf, int(n_neighbours))

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            "indptr": self.vectors.indptr,
            "indices": self.vectors.indices,
            "values": self.vectors.data,
            "recent": self.recent,
            "idf": self.idf,
            "n_neighbours": np.array(self.n_neighbours),
        }


def _normalised(baskets: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    values = _weights(baskets.data, idf[baskets.indices])
    vectors = sparse.csr_matrix((values, baskets.indices, baskets.indptr), shape=baskets.shape)
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    vectors.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(vectors.indptr)).astype(np.float32)
    return vectors


def _weights(baskets: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """Return tf-idf weights, with the logarithm of the number of baskets as term frequency."""
    weights: np.ndarray = ((1.0 + np.log(np.maximum(baskets, 1.0))) * idf).astype(np.float32)
    return weights
