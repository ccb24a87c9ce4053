"""Rows of a sparse matrix by scipy's kernels, against the same by its operators."""

import numpy as np
import pytest
from scipy import sparse

from scoring.models.sparse_rows import SparseRows

MATRIX = sparse.random_array((30, 20), density=0.3, rng=5, dtype=np.float32).tocsr()


@pytest.mark.parametrize("picked", [[3, 0, 29, 3], list(range(30)), []])
def test_rows_times_and_summed_are_what_the_matrix_says(picked: list[int]) -> None:
    numbers, rng = np.array(picked, np.int64), np.random.default_rng(5)
    rows, dense = SparseRows.of(MATRIX, numbers), MATRIX.toarray()[numbers]
    vector, weights = rng.normal(size=20), rng.normal(size=len(picked))
    assert len(rows) == len(picked)
    np.testing.assert_allclose(rows.dot(vector), dense @ vector, atol=1e-5)
    np.testing.assert_allclose(rows.weighted_sum(weights), weights @ dense, atol=1e-5)
