"""Rank by weighted matrix factorisation (Hu, Koren & Volinsky 2008) with ALS, from the library `implicit`.

Confidence is the count decayed with 120 days. The parameters are those of the library's tutorial (64 factors,
regularisation 0.05, alpha 2). On the validation window, decayed counts were better than 0/1, logarithms of counts, and
BM25 as in the tutorial.
"""

import implicit.als
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.peers.data import PeerData
from ml.evaluation.ground_truth import Slates

HISTORY = "decayed_120d"
FACTORS, REGULARISATION, ALPHA, ITERATIONS = 64, 0.05, 2.0, 15


def fit_and_list(data: PeerData) -> Slates:
    """Fit on every customer with a purchase before the snapshot; `all` includes repeat purchases."""
    model = implicit.als.AlternatingLeastSquares(
        factors=FACTORS,
        regularization=REGULARISATION,
        alpha=ALPHA,
        iterations=ITERATIONS,
        random_state=data.spec.seed,
    )
    with threadpool_limits(1, "blas"):  # implicit starts its own threads
        model.fit(data.purchases(HISTORY), show_progress=False)

    def score(rows: np.ndarray) -> np.ndarray:
        score: np.ndarray = model.user_factors[rows] @ model.item_factors.T
        return score

    return data.slates(score)
