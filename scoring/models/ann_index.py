"""Approximate nearest vectors, for catalogues so large that an exact search is the slowest stage of a request."""

from typing import Any

import numpy as np

from scoring.errors import ScoringError

CELLS_PER_ROOT = 1.0
"""The number of cells is the root of the number of vectors times this. A query searches `PROBED_SHARE` of the cells."""

PROBED_SHARE = 0.08
VECTORS_PER_CELL = 64
"""Vectors per cell from which the cells' centres are learned."""

SEED = 7


class AnnIndex:
    """An inverted file (Jégou, Douze & Schmid 2011, §4) by Faiss: a query searches the cells nearest to it.

    Args:
        vectors: float32 `[n, dimensions]`, L2-normalised.

    Raises:
        ScoringError: Faiss is not installed.
    """

    def __init__(self, vectors: np.ndarray):
        faiss = _faiss()
        count, dimensions = vectors.shape
        cells = max(1, int(CELLS_PER_ROOT * count**0.5))
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimensions), dimensions, cells, faiss.METRIC_INNER_PRODUCT)
        self._index.cp.niter = 10
        self._index.cp.seed = SEED
        sample = np.random.default_rng(SEED).choice(count, min(count, cells * VECTORS_PER_CELL), replace=False)
        self._index.train(vectors[np.sort(sample)])
        for start in range(0, count, 1 << 20):  # Faiss copies what it is given
            self._index.add(vectors[start : start + (1 << 20)])
        self._index.nprobe = max(1, round(PROBED_SHARE * cells))

    def top(self, query: np.ndarray, count: int) -> np.ndarray:
        """Return the rows of the `count` vectors nearest to one query `[dimensions]`, the nearest first."""
        found = self._index.search(np.ascontiguousarray(query[np.newaxis], np.float32), count)[1][0]
        top: np.ndarray = found[found >= 0]
        return top


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ScoringError(
            "This catalogue is searched approximately ('ann_above_products' in the version's configuration), and Faiss "
            "is not installed. Install the group 'ann': 'uv sync --group ann'."
        ) from error
    faiss.omp_set_num_threads(1)  # the server's threads are the parallelism
    return faiss
