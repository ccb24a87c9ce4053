"""Item-to-item scores by EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", eq. 8).

EASE needs the inverse of an item-by-item matrix. There are far more products than customers here, so the inverse is
taken on the customers' side, where it is exact and small (Woodbury identity):

    (XᵀX + λI)⁻¹ = (I − Xᵀ K X) / λ      with K = (X Xᵀ + λI)⁻¹, X the customers × products purchase matrix

Beyond `max_customers` a random part of the customers stands for all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.linalg.blas import ssymv

from scoring.models.sparse_rows import SparseRows

CACHE_SIZE = 1024
"""Size of the LRU cache of kernel rows (about 10 MB with 2,500 customers)."""


@dataclass(frozen=True)
class Ease:
    """Fitted EASE weights, kept in factored form.

    Attributes:
        purchases: X, `[customers, products]`.
        kernel: K, `[customers, customers]`.
        diagonal: dⱼ = xⱼᵀ K xⱼ, `[products]`: how well a product explains itself, which scores leave out.
    """

    purchases: sparse.csr_matrix
    kernel: np.ndarray
    diagonal: np.ndarray

    @cached_property
    def buyers(self) -> sparse.csr_matrix:
        """Xᵀ, `[products, customers]`, transposed once instead of for every request."""
        return self.purchases.T.tocsr()

    @classmethod
    def fit(cls, purchases: sparse.csr_matrix, regularisation: float, max_customers: int, seed: int) -> "Ease":
        """Fit on purchases.

        Args:
            purchases: X, `[customers, products]` float32: 1 where bought, or a weight.
            regularisation: λ.
            max_customers: With more customers, a random sample of this size is fitted.
            seed: Draws the sample.
        """
        if purchases.shape[0] > max_customers:
            rows = np.random.default_rng(seed).choice(purchases.shape[0], max_customers, replace=False)
            purchases = purchases[np.sort(rows)]
        gram = (purchases @ purchases.T).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += regularisation
        kernel = np.linalg.inv(gram).astype(np.float32)
        diagonal = np.zeros(purchases.shape[1], dtype=np.float32)
        by_product = purchases.tocsc()
        for start in range(0, purchases.shape[1], 4096):  # K X is dense: a few thousand columns at a time
            part = by_product[:, start : start + 4096]
            diagonal[start : start + 4096] = np.asarray(part.multiply(kernel @ part).sum(axis=0)).ravel()
        return cls(purchases.tocsr(), kernel, np.minimum(diagonal, 0.999))

    def similarity(self, queries: sparse.csr_matrix) -> np.ndarray:
        """Return how similar each fitted customer is to each query, q Xᵀ K, float32 `[queries, customers]`."""
        similarity: np.ndarray = (queries @ self.buyers).toarray().astype(np.float32, copy=False) @ self.kernel
        return similarity

    def similarity_to(self, bought: SparseRows, weights: np.ndarray) -> np.ndarray:
        """Return how similar each fitted customer is to one query, float32 `[customers]`.

        Args:
            bought: The purchased products' rows of `buyers`, `[n, customers]`.
            weights: Their weights as in `fit`, `[n]`.
        """
        # K is symmetric, and reading half of it is what costs time.
        similarity: np.ndarray = ssymv(1.0, self.kernel.T, bought.weighted_sum(weights))
        return similarity

    def scores(self, queries: sparse.csr_matrix) -> np.ndarray:
        """Return EASE scores `[queries, products]` of purchase vectors, csr `[queries, products]` as in `fit`."""
        scores: np.ndarray = (self.buyers @ self.similarity(queries).T).T / (1.0 - self.diagonal)
        # A product must not recommend itself.
        rows = np.repeat(np.arange(queries.shape[0]), np.diff(queries.indptr))
        diagonal = self.diagonal[queries.indices]
        np.subtract.at(scores, (rows, queries.indices), queries.data * diagonal / (1.0 - diagonal))
        return scores

    def contributions(self, bought: SparseRows, weights: np.ndarray) -> Callable[[int], np.ndarray]:
        """Return a function from a product never bought to what each purchase adds to its score, float32 `[n]`.

        The values sum to the score. The arguments are those of `similarity_to`.
        """
        return lambda position: weights * bought.dot(self._kernel_row(position)) / (1.0 - self.diagonal[position])

    def weights(self, position: int) -> np.ndarray:
        """Return what buying a product adds to all scores, float32 `[products]`: its row of EASE's matrix."""
        weights: np.ndarray = (self.buyers @ self._kernel_row(position)) / (1.0 - self.diagonal)
        weights[position] = 0.0
        return weights

    @cached_property
    def _kernel_row(self) -> Callable[[int], np.ndarray]:
        """A function to K xⱼ of a product, `[customers]`, cached because many lists share products."""

        @lru_cache(maxsize=CACHE_SIZE)
        def explained(position: int) -> np.ndarray:
            begin, end = self.buyers.indptr[position : position + 2]
            row: np.ndarray = self.buyers.data[begin:end] @ self.kernel[self.buyers.indices[begin:end]]
            return row

        return explained

    def save(self, folder: Path) -> None:
        """Write the model's arrays into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "indptr.npy", self.purchases.indptr)
        np.save(folder / "indices.npy", self.purchases.indices)
        np.save(folder / "values.npy", self.purchases.data)
        np.save(folder / "kernel.npy", self.kernel)
        np.save(folder / "diagonal.npy", self.diagonal)

    @classmethod
    def load(cls, folder: Path) -> "Ease":
        """Read what `save` wrote."""
        names = ("indptr", "indices", "values", "kernel", "diagonal")
        indptr, indices, values, kernel, diagonal = (
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in names
        )
        shape = (len(indptr) - 1, len(diagonal))
        return cls(sparse.csr_matrix((values, indices, indptr), shape=shape), kernel, diagonal)
