"""Some rows of a large sparse matrix, times a vector.

A request needs a few hundred rows of each fitted model. scipy's public operators build and check a matrix for every
step, which takes several times as long as the arithmetic. So scipy's private kernels are called directly.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse._sparsetools import csc_matvec, csr_matvec, csr_row_index


@dataclass(frozen=True)
class SparseRows:
    """Rows in CSR form: values and columns of row i lie between `indptr[i]` and `indptr[i + 1]`."""

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    columns: int

    @classmethod
    def of(cls, matrix: sparse.csr_matrix, rows: np.ndarray) -> "SparseRows":
        """Take rows of a matrix by their numbers, `[n]`."""
        rows = rows.astype(matrix.indptr.dtype)
        indptr = np.zeros(len(rows) + 1, matrix.indptr.dtype)
        np.cumsum(matrix.indptr[rows + 1] - matrix.indptr[rows], out=indptr[1:])
        indices, values = np.empty(indptr[-1], matrix.indices.dtype), np.empty(indptr[-1], matrix.dtype)
        csr_row_index(len(rows), rows, matrix.indptr, matrix.indices, matrix.data, indices, values)
        return cls(indptr, indices, values, matrix.shape[1])

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def dot(self, vector: np.ndarray) -> np.ndarray:
        """Return each row's product with a vector `[columns]`, float32 `[n]`."""
        result = np.zeros(len(self), np.float32)
        csr_matvec(len(self), self.columns, self.indptr, self.indices, self.values, vector.astype(np.float32), result)
        return result

    def weighted_sum(self, weights: np.ndarray) -> np.ndarray:
        """Return the sum of the rows, each with its weight `[n]`, float32 `[columns]`."""
        result = np.zeros(self.columns, np.float32)
        csc_matvec(self.columns, len(self), self.indptr, self.indices, self.values, weights.astype(np.float32), result)
        return result
