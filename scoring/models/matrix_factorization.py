"""Implicit matrix factorisation outside the library that trained it: products' factors, customers folded in.

Hu, Koren & Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets", eq. 4: a customer's factors are
the least-squares answer to what was bought, weighted by confidence, with every other product as a weak zero.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class MatrixFactorization:
    """Hold the factors of products, and fold customers in.

    Attributes:
        vectors: float32 `[products, factors]`; without factors every score is 0.
        confidence: Weight that one more basket adds to a purchase.
        regularisation: λ.
    """

    vectors: np.ndarray
    confidence: float
    regularisation: float

    @cached_property
    def _gram(self) -> np.ndarray:
        identity = np.eye(self.vectors.shape[1], dtype=np.float32)
        gram: np.ndarray = self.vectors.T @ self.vectors + self.regularisation * identity
        return gram

    def fold_in(self, baskets: sparse.csr_matrix) -> np.ndarray:
        """Return the factors of customers, float32 `[queries, factors]`.

        Their products with `vectors` are the predicted preferences.

        Args:
            baskets: In how many baskets each customer bought each product, csr `[queries, products]`.
        """
        folded = np.zeros((baskets.shape[0], self.vectors.shape[1]), np.float32)
        for row in range(baskets.shape[0]):
            begin, end = baskets.indptr[row], baskets.indptr[row + 1]
            own = self.vectors[baskets.indices[begin:end]]
            confidence = confidences(baskets.data[begin:end], self.confidence)
            left = self._gram + (own.T * (confidence - 1.0)) @ own
            folded[row] = np.linalg.solve(left, own.T @ confidence)
        return folded

    def save(self, folder: Path) -> None:
        """Write the model's arrays into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "vectors.npy", self.vectors)
        np.save(folder / "weights.npy", np.array([self.confidence, self.regularisation]))

    @classmethod
    def load(cls, folder: Path) -> "MatrixFactorization":
        """Read what `save` wrote."""
        confidence, regularisation = np.load(folder / "weights.npy", allow_pickle=False)
        return cls(np.load(folder / "vectors.npy", allow_pickle=False), float(confidence), float(regularisation))


def confidences(baskets: np.ndarray, confidence: float) -> np.ndarray:
    """Return the weight of purchases from their number of baskets, `[n]`; a product never bought weighs 1."""
    confidences: np.ndarray = (1.0 + confidence * (1.0 + np.log(np.maximum(baskets, 1.0)))).astype(np.float32)
    return confidences
