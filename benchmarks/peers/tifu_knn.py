"""TIFU-KNN (Hu, He, Gao & Zhang 2020, "Modeling Personalized Item Frequency Information for Next-basket
Recommendation", SIGIR): a customer's own decayed frequencies, mixed with those of the nearest customers.

The paper decays by the number of baskets that lie between, within groups of baskets and between groups (eq. 3 and 4).
The feature tables keep a history a product, not a basket, so both decays are approximated by one by time: purchases
decayed with 120 days, divided by the customer's number of baskets as the paper's averages are. The rest is the paper's:
Euclidean nearest neighbours (section 4.2) and the mixture `α own + (1 - α) neighbours` (eq. 5), with the values that
the authors publish for Ta-Feng, the data set nearest in size.
"""

import numpy as np
from scipy import sparse

from benchmarks.peers.data import PeerData
from ml.evaluation.ground_truth import Slates

NEIGHBOURS = 300
ALPHA = 0.7
HISTORY = "decayed_120d"


def fit_and_list(data: PeerData) -> Slates:
    """Neighbours are looked for among everyone with a purchase before the snapshot."""
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
    """The NEIGHBOURS nearest customers of each row, without itself, `[rows, neighbours]`.

    products: scalar products of the rows with everyone, `[rows, everyone]`; lengths, squares: squared lengths of the
    rows and of everyone; rows: where the rows stand among everyone.
    """
    distances = lengths[:, None] + squares[None, :] - 2.0 * products
    distances[np.arange(len(rows)), rows] = np.inf
    count = min(NEIGHBOURS, len(squares) - 1)
    return np.argpartition(distances, count - 1, axis=1)[:, :count]
