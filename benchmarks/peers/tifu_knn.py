"""Rank by TIFU-KNN: a customer's decayed purchase frequencies, mixed with those of the nearest customers.

Source: Hu, He, Gao & Zhang 2020, "Modeling Personalized Item Frequency Information for Next-basket Recommendation".

The paper decays by the number of baskets in between, within groups of baskets and between groups (eq. 3 and 4). The
feature tables have a history per product, not per basket, so one decay by time approximates both: purchases decayed
with 120 days, divided by the customer's number of baskets. The rest follows the paper: Euclidean nearest neighbours
(section 4.2) and the mixture `α own + (1 - α) neighbours` (eq. 5), with the authors' values for Ta-Feng, the data set
nearest in size.
"""

import numpy as np
from scipy import sparse

from benchmarks.peers.data import PeerData
from ml.evaluation.ground_truth import Slates

NEIGHBOURS = 300
ALPHA = 0.7
HISTORY = "decayed_120d"


def fit_and_list(data: PeerData) -> Slates:
    """Search neighbours among all customers with a purchase before the snapshot, and make the lists."""
    baskets = np.array([max(customer.profile["baskets"], 1.0) for customer in data.everyone], np.float32)
    vectors = sparse.diags_array(1.0 / baskets) @ data.purchases(HISTORY)
    vectors = sparse.csr_matrix(vectors)
    turned, squares = sparse.csr_matrix(vectors.T), np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()

    def score(rows: np.ndarray) -> np.ndarray:
        own = vectors[rows]
        near = nearest((own @ turned).toarray(), squares[rows], squares, rows)
        share = np.full(near.size, 1.0 / near.shape[1], np.float32)
        indptr = np.arange(0, near.size + 1, near.shape[1])
        mean = sparse.csr_matrix((share, near.ravel(), indptr), shape=(len(rows), len(squares)))
        return np.asarray((ALPHA * own + (1 - ALPHA) * (mean @ vectors)).toarray())

    return data.slates(score)


def nearest(products: np.ndarray, lengths: np.ndarray, squares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the NEIGHBOURS nearest customers of each row, without itself, int `[rows, neighbours]`.

    Args:
        products: Scalar products of the rows with every customer, `[rows, everyone]`.
        lengths: Squared lengths of the rows, `[rows]`.
        squares: Squared lengths of all customers, `[everyone]`.
        rows: Indices of the rows among all customers, `[rows]`.
    """
    distances = lengths[:, None] + squares[None, :] - 2.0 * products
    distances[np.arange(len(rows)), rows] = np.inf
    count = min(NEIGHBOURS, len(squares) - 1)
    return np.argpartition(distances, count - 1, axis=1)[:, :count]
