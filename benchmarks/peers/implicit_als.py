"""Weighted matrix factorisation (Hu, Koren & Volinsky 2008) by alternating least squares, from the library `implicit`.

Confidence is the count decayed with 120 days; the model's values are those of the library's tutorial (64 factors,
regularisation 0.05, alpha 2). On the validation window that was the best of 0/1, logarithms of counts, BM25 as in the
tutorial, and decayed counts.
"""

import implicit.als
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.peers.data import PeerData
from ml.evaluation.ground_truth import Slates

HISTORY = "decayed_120d"
FACTORS, REGULARISATION, ALPHA, ITERATIONS = 64, 0.05, 2.0, 15


def fit_and_list(data: PeerData) -> Slates:
    """Fit on everyone with a purchase before the snapshot; own products stay in `all`."""
    model = implicit.als.AlternatingLeastSquares(
        factors=FACTORS,
        regularization=REGULARISATION,
        alpha=ALPHA,
        iterations=ITERATIONS,
        random_state=data.spec.seed,
    )
    with threadpool_limits(1, "blas"):  # implicit has threads of its own
        model.fit(data.purchases(HISTORY), show_progress=False)

    def score(rows: np.ndarray) -> np.ndarray:
        score: np.ndarray = model.user_factors[rows] @ model.item_factors.T
        return score

    return data.slates(score)
