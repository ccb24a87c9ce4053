"""Weighted matrix factorisation (Hu, Koren & Volinsky 2008) by alternating least squares, from the library `implicit`.

Confidence is BM25 of the number of baskets with the product; weights and the model's values are those of the library's
own tutorial (`K1` 100, `B` 0.8; 64 factors, regularisation 0.05, alpha 2).
"""

import implicit.als
import implicit.nearest_neighbours
import numpy as np
from scipy import sparse

from benchmarks.peers.data import PeerData
from ml.evaluation.judge import Slates

FACTORS, REGULARISATION, ALPHA, ITERATIONS = 64, 0.05, 2.0, 15


def fit_and_list(data: PeerData) -> Slates:
    """Fit on everyone with a purchase before the snapshot; own products stay in `all`."""
    # implicit weights items by rows, as its tutorial has them: products × customers.
    weighted = implicit.nearest_neighbours.bm25_weight(data.purchases("baskets").T.tocsr(), K1=100, B=0.8)
    model = implicit.als.AlternatingLeastSquares(
        factors=FACTORS,
        regularization=REGULARISATION,
        alpha=ALPHA,
        iterations=ITERATIONS,
        random_state=data.plan.seed,
    )
    model.fit(sparse.csr_matrix(weighted.T, dtype=np.float32), show_progress=False)

    def score(rows: np.ndarray) -> np.ndarray:
        return model.user_factors[rows] @ model.item_factors.T

    return data.slates(score)
