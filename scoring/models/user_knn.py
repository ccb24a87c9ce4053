"""Customer-to-customer nearest neighbours: what customers with similar histories bought lately.

Similarity is the cosine of purchase vectors weighted by tf-idf (Salton & Buckley 1988): often bought counts more, what
everybody buys counts less. The neighbours speak with their purchases of the last four weeks, so that the answer follows
the season while the likeness rests on the whole history (UP-CF, Faggioli, Polato & Aiolli 2020, with a hard window).
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
    rarity: idf of each product, float32 `[products]`.
    count: how many neighbours speak.
    """

    vectors: sparse.csr_matrix
    recent: np.ndarray
    rarity: np.ndarray
    count: int

    @classmethod
    def fit(cls, baskets: sparse.csr_matrix, days_since_last: np.ndarray, count: int) -> "UserKnn":
        """`baskets`: in how many baskets, csr `[customers, products]`; `days_since_last`: aligned with its data."""
        buyers = np.bincount(baskets.indices, minlength=baskets.shape[1])
        rarity = np.log(max(baskets.shape[0], 1) / np.maximum(buyers, 1)).astype(np.float32)
        return cls(_normalised(baskets, rarity), days_since_last <= RECENT_DAYS, rarity, count)

    @cached_property
    def _by_product(self) -> sparse.csr_matrix:
        """vectorsᵀ: turned once, not for every request."""
        return self.vectors.T.tocsr()

    @cached_property
    def _lately(self) -> sparse.csr_matrix:
        """Purchases of the last weeks, 0/1 `[customers, products]`."""
        lately = self.vectors.copy()  # removing zeros happens in place
        lately.data = self.recent.astype(np.float32)
        lately.eliminate_zeros()
        return lately

    def likeness(self, products: np.ndarray, baskets: np.ndarray) -> np.ndarray:
        """How loud each neighbour speaks to a customer, float32 `[customers]`: sums to 1, and most of it is 0.

        baskets: in how many baskets the customer bought which products (catalogue indices), `[n]` each.
        """
        likeness = SparseRows.of(self._by_product, products).weighted_sum(self._query(products, baskets))
        likeness[likeness > SELF_SIMILARITY] = 0.0
        if len(likeness) > self.count:
            likeness[likeness < -np.partition(-likeness, self.count - 1)[self.count - 1]] = 0.0
        weights: np.ndarray = likeness / np.maximum(likeness.sum(), 1e-9)
        return weights

    def scores(self, likeness: np.ndarray) -> np.ndarray:
        """The share of the neighbours who bought each product lately, float32 `[products]`."""
        speaking = np.flatnonzero(likeness)
        return SparseRows.of(self._lately, speaking).weighted_sum(likeness[speaking])

    def shares(self, products: np.ndarray, baskets: np.ndarray, likeness: np.ndarray) -> Callable[[int], np.ndarray]:
        """For one customer: a function from a product to what each purchase adds to its score, float32 `[n]`.

        The values sum to the score, up to a factor that is the same for all products. Arguments as of `likeness`, and
        what it says.
        """
        query, speaking = self._query(products, baskets), np.flatnonzero(likeness)
        lately = SparseRows.of(self._lately, speaking)

        def shares(position: int) -> np.ndarray:
            who = np.searchsorted(lately.indptr, np.flatnonzero(lately.indices == position), side="right") - 1
            found: np.ndarray = (
                query * SparseRows.of(self.vectors, speaking[who]).weighted_sum(np.ones(len(who)))[products]
            )
            return found

        return shares

    def _query(self, products: np.ndarray, baskets: np.ndarray) -> np.ndarray:
        weights = _weights(baskets, self.rarity[products])
        length = np.maximum(np.sqrt(np.square(weights, dtype=np.float64).sum()), 1e-9).astype(np.float32)
        query: np.ndarray = weights / length
        return query

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._arrays().items():
            np.save(folder / f"{name}.npy", values)

    @classmethod
    def load(cls, folder: Path) -> "UserKnn":
        names = ("indptr", "indices", "values", "recent", "rarity", "count")
        indptr, indices, values, recent, rarity, count = (
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in names
        )
        shape = (len(indptr) - 1, len(rarity))
        return cls(sparse.csr_matrix((values, indices, indptr), shape=shape), recent, rarity, int(count))

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            "indptr": self.vectors.indptr,
            "indices": self.vectors.indices,
            "values": self.vectors.data,
            "recent": self.recent,
            "rarity": self.rarity,
            "count": np.array(self.count),
        }


def _normalised(baskets: sparse.csr_matrix, rarity: np.ndarray) -> sparse.csr_matrix:
    values = _weights(baskets.data, rarity[baskets.indices])
    vectors = sparse.csr_matrix((values, baskets.indices, baskets.indptr), shape=baskets.shape)
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    vectors.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(vectors.indptr)).astype(np.float32)
    return vectors


def _weights(baskets: np.ndarray, rarity: np.ndarray) -> np.ndarray:
    """tf-idf, the term frequency as a logarithm."""
    weights: np.ndarray = ((1.0 + np.log(np.maximum(baskets, 1.0))) * rarity).astype(np.float32)
    return weights
