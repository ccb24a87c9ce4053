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

RECENT_DAYS = 28.0

ITSELF = 0.9
"""A neighbour this alike is the customer itself, as it was when the matrix was made."""


@dataclass(frozen=True)
class Neighbours:
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
    def fit(cls, baskets: sparse.csr_matrix, days_since_last: np.ndarray, count: int) -> "Neighbours":
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

    def scores(self, likeness: np.ndarray) -> np.ndarray:
        """The share of the neighbours who bought each product lately, float32 `[products]`.

        likeness: how loud each speaks to one customer, `[customers]`.
        """
        speaking = np.flatnonzero(likeness)
        return self._lately[speaking].T @ likeness[speaking]

    def likeness(self, baskets: sparse.csr_matrix) -> np.ndarray:
        """How loud each neighbour speaks, float32 `[queries, customers]`: a row sums to 1, and most of it is 0.

        `baskets`: in how many baskets each querying customer bought what, csr `[queries, products]`.
        """
        queries = _normalised(baskets, self.rarity)
        if baskets.shape[0] == 1:
            likeness = (self._by_product[queries.indices].T @ queries.data)[np.newaxis]
        else:
            likeness = (queries @ self._by_product).toarray()
        likeness[likeness > ITSELF] = 0.0
        if likeness.shape[1] > self.count:
            least = -np.partition(-likeness, self.count - 1, axis=1)[:, self.count - 1 : self.count]
            likeness[likeness < least] = 0.0
        likeness /= np.maximum(likeness.sum(axis=1, keepdims=True), 1e-9)
        return likeness

    def shares(self, baskets: sparse.csr_matrix, likeness: np.ndarray) -> Callable[[int], np.ndarray]:
        """For one customer: a function from a product to what each purchase adds to its score, float32 `[n]`.

        The values sum to the score, up to a factor that is the same for all products. baskets: csr `[1, products]` with
        `n` values; likeness: what `likeness` says of it, `[customers]`.
        """
        query = _normalised(baskets, self.rarity)
        speaking = np.flatnonzero(likeness)
        lately = self._lately[speaking]

        def shares(position: int) -> np.ndarray:
            who = np.searchsorted(lately.indptr, np.flatnonzero(lately.indices == position), side="right") - 1
            alike = self.vectors[speaking[who]].T @ np.ones(len(who), np.float32)
            return query.data * alike[query.indices]

        return shares

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._arrays().items():
            np.save(folder / f"{name}.npy", values)

    @classmethod
    def load(cls, folder: Path) -> "Neighbours":
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
    values = (1.0 + np.log(np.maximum(baskets.data, 1.0))) * rarity[baskets.indices]
    vectors = sparse.csr_matrix((values.astype(np.float32), baskets.indices, baskets.indptr), shape=baskets.shape)
    squares = np.concatenate([[0.0], np.cumsum(np.square(vectors.data, dtype=np.float64))])
    lengths = np.sqrt(np.diff(squares[vectors.indptr]))
    vectors.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(vectors.indptr)).astype(np.float32)
    return vectors
