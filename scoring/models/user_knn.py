"""Customer-to-customer nearest neighbours: what customers with similar histories bought lately.

Similarity is the cosine of purchase vectors weighted by tf-idf (Salton & Buckley 1988): often bought counts more, what
everybody buys counts less. The neighbours speak with their purchases of the last four weeks, so that the answer follows
the season while the similarity rests on the whole history (UP-CF, Faggioli, Polato & Aiolli 2020, with a hard window).
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
"""A neighbour this alike is the customer itself, as it was when the matrix was made."""


@dataclass(frozen=True)
class UserKnn:
    """Everybody's purchase vectors.

    vectors: L2-normalised tf-idf, csr `[customers, products]`.
    recent: whether bought within the last `RECENT_DAYS`, bool, aligned with `vectors.data`.
    idf: idf of each product, float32 `[products]`.
    n_neighbours: how many neighbours speak.
    """

    vectors: sparse.csr_matrix
    recent: np.ndarray
    idf: np.ndarray
    n_neighbours: int

    @classmethod
    def fit(cls, baskets: sparse.csr_matrix, days_since_last: np.ndarray, n_neighbours: int) -> "UserKnn":
        """`baskets`: in how many baskets, csr `[customers, products]`; `days_since_last`: aligned with its data."""
        buyers = np.bincount(baskets.indices, minlength=baskets.shape[1])
        idf = np.log(max(baskets.shape[0], 1) / np.maximum(buyers, 1)).astype(np.float32)
        return cls(_normalised(baskets, idf), days_since_last <= RECENT_DAYS, idf, n_neighbours)

    @cached_property
    def _by_product(self) -> sparse.csr_matrix:
        """vectorsᵀ: turned once, not for every request."""
        return self.vectors.T.tocsr()

    @cached_property
    def _recent(self) -> sparse.csr_matrix:
        """Purchases of the last weeks, 0/1 `[customers, products]`."""
        lately = self.vectors.copy()  # removing zeros happens in place
        lately.data = self.recent.astype(np.float32)
        lately.eliminate_zeros()
        return lately

    def neighbour_weights(self, products: np.ndarray, baskets: np.ndarray) -> np.ndarray:
        """How loud each neighbour speaks to a customer, float32 `[customers]`: sums to 1, and most of it is 0.

        baskets: in how many baskets the customer bought which products (catalogue indices), `[n]` each.
        """
        similarity = SparseRows.of(self._by_product, products).weighted_sum(self._query(products, baskets))
        similarity[similarity > SELF_SIMILARITY] = 0.0
        if len(similarity) > self.n_neighbours:
            similarity[similarity < -np.partition(-similarity, self.n_neighbours - 1)[self.n_neighbours - 1]] = 0.0
        weights: np.ndarray = similarity / np.maximum(similarity.sum(), 1e-9)
        return weights

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """The share of the neighbours who bought each product lately, float32 `[products]`."""
        neighbours = np.flatnonzero(weights)
        return SparseRows.of(self._recent, neighbours).weighted_sum(weights[neighbours])

    def contributions(
        self, products: np.ndarray, baskets: np.ndarray, weights: np.ndarray
    ) -> Callable[[int], np.ndarray]:
        """For one customer: a function from a product to what each purchase adds to its score, float32 `[n]`.

        The values sum to the score, up to a factor that is the same for all products. Arguments as of `similarity`, and
        what it says.
        """
        query, neighbours = self._query(products, baskets), np.flatnonzero(weights)
        lately = SparseRows.of(self._recent, neighbours)

        def shares(position: int) -> np.ndarray:
            who = np.searchsorted(lately.indptr, np.flatnonzero(lately.indices == position), side="right") - 1
            found: np.ndarray = (
                query * SparseRows.of(self.vectors, neighbours[who]).weighted_sum(np.ones(len(who)))[products]
            )
            return found

        return shares

    def _query(self, products: np.ndarray, baskets: np.ndarray) -> np.ndarray:
        weights = _weights(baskets, self.idf[products])
        length = np.maximum(np.sqrt(np.square(weights, dtype=np.float64).sum()), 1e-9).astype(np.float32)
        query: np.ndarray = weights / length
        return query

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._arrays().items():
            np.save(folder / f"{name}.npy", values)

    @classmethod
    def load(cls, folder: Path) -> "UserKnn":
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
    """tf-idf, the term frequency as a logarithm."""
    weights: np.ndarray = ((1.0 + np.log(np.maximum(baskets, 1.0))) * idf).astype(np.float32)
    return weights
