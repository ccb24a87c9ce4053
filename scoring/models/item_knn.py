"""Nearest neighbours of products: products that the same customers buy (Sarwar et al. 2001; Deshpande & Karypis 2004).

Likeness is the cosine of two products' purchase columns. It is shrunk where few customers bought both, so that a
coincidence of two rare products counts little. Each product keeps only its nearest, so the matrix is sparse.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

ROWS = 512
"""Products compared at once: their similarity to all others is held in memory."""


@dataclass(frozen=True)
class ItemKnn:
    """The nearest neighbours of every product.

    Attributes:
        similarity: csr float32 `[products, products]`: the similarity of the row's product to the column's, where it is
            among the column's nearest; 0 to itself. A customer's score is its sum over the purchased products.
    """

    similarity: sparse.csr_matrix

    @classmethod
    def fit(cls, purchases: sparse.csr_matrix, n_neighbours: int, shrinkage: float, min_buyers: int) -> "ItemKnn":
        """Fit on purchases.

        Args:
            purchases: Weighted purchases, csr `[customers, products]`.
            n_neighbours: How many neighbours each product keeps.
            shrinkage: With this many customers in common, a similarity counts half.
            min_buyers: Products with fewer buyers are not neighbours, because their similarity is chance.
        """
        lengths = np.sqrt(np.asarray(purchases.multiply(purchases).sum(axis=0)).ravel())
        columns = purchases @ sparse.diags(1.0 / np.maximum(lengths, 1e-9))
        known = np.flatnonzero(np.bincount(purchases.indices, minlength=purchases.shape[1]) >= min_buyers)
        kept = columns.tocsc()[:, known].astype(np.float32)
        bought = kept.copy()
        bought.data = np.ones_like(bought.data)
        rows, targets, values = [], [], []
        for start in range(0, len(known), ROWS):
            part = slice(start, start + ROWS)
            common = (bought[:, part].T @ bought).toarray()
            similarity = (kept[:, part].T @ kept).toarray() * (common / np.maximum(common + shrinkage, 1e-9))
            here = np.arange(len(similarity))
            similarity[here, start + here] = 0.0
            count = min(n_neighbours, similarity.shape[1])
            nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
            rows.append(np.repeat(known[part], count))
            targets.append(known[nearest].ravel())
            values.append(np.take_along_axis(similarity, nearest, axis=1).ravel())
        nothing = [np.zeros(0, np.int64)]
        shape = (purchases.shape[1], purchases.shape[1])
        found = sparse.csr_matrix(
            (
                np.concatenate([*values, np.zeros(0, np.float32)]),
                (np.concatenate(rows + nothing), np.concatenate(targets + nothing)),
            ),
            shape=shape,
            dtype=np.float32,
        )
        found.eliminate_zeros()
        return cls(found.T.tocsr())

    def save(self, folder: Path) -> None:
        """Write the model's arrays into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("indptr", "indices", "data"):
            np.save(folder / f"{name}.npy", getattr(self.similarity, name))

    @classmethod
    def load(cls, folder: Path) -> "ItemKnn":
        """Read what `save` wrote."""
        indptr, indices, data = (
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("indptr", "indices", "data")
        )
        products = len(indptr) - 1
        return cls(sparse.csr_matrix((data, indices, indptr), shape=(products, products)))
