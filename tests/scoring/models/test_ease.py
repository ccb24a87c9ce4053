"""EASE in factored form gives what the textbook's item-by-item inverse gives."""

from pathlib import Path

import numpy as np
from scipy import sparse

from scoring.models.ease import Ease

PURCHASES = np.array(
    [[1, 1, 0, 0, 1], [0, 1, 1, 0, 0], [1, 0, 1, 1, 0], [0, 1, 0, 1, 1]],
    np.float32,
)
REGULARISATION = 2.0


def textbook_scores(queries: np.ndarray, purchases: np.ndarray = PURCHASES) -> np.ndarray:
    """Steck 2019, eq. 8: B = I - P diag(1/diag P) with a zero diagonal."""
    inverse = np.linalg.inv(purchases.T @ purchases + REGULARISATION * np.eye(5))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return queries @ weights


def test_factored_scores_equal_the_item_by_item_inverse():
    fitted = Ease.fit(sparse.csr_matrix(PURCHASES), REGULARISATION, max_customers=100, seed=1)
    queries = np.array([[1, 0, 0, 0, 0], [0, 1, 1, 0, 1], [1, 1, 0, 0, 1]], np.float32)
    np.testing.assert_allclose(fitted.scores(sparse.csr_matrix(queries)), textbook_scores(queries), atol=1e-5)


def test_a_customer_nobody_has_seen_is_scored_by_what_was_bought():
    fitted = Ease.fit(sparse.csr_matrix(PURCHASES), REGULARISATION, max_customers=100, seed=1)
    scores = fitted.scores(sparse.csr_matrix(np.array([[0, 0, 0, 1, 1]], np.float32)))
    assert scores.shape == (1, 5)
    assert np.isfinite(scores).all()


def test_weights_survive_saving(tmp_path: Path):
    fitted = Ease.fit(sparse.csr_matrix(PURCHASES), REGULARISATION, max_customers=100, seed=1)
    fitted.save(tmp_path)
    query = sparse.csr_matrix(np.array([[1, 0, 1, 0, 0]], np.float32))
    np.testing.assert_array_equal(Ease.load(tmp_path).scores(query), fitted.scores(query))


def test_beyond_the_limit_a_part_of_the_customers_stands_for_all():
    fitted = Ease.fit(sparse.csr_matrix(PURCHASES), REGULARISATION, max_customers=3, seed=1)
    assert fitted.purchases.shape == (3, 5)


def test_weighted_purchases_are_scored_as_in_the_textbook():
    rng = np.random.default_rng(2)
    weighted = PURCHASES * rng.uniform(0.2, 2.0, PURCHASES.shape).astype(np.float32)
    queries = np.array([[0.3, 0, 0, 0, 1.7], [0, 2.5, 0.1, 0, 0]], np.float32)
    fitted = Ease.fit(sparse.csr_matrix(weighted), REGULARISATION, max_customers=100, seed=1)
    np.testing.assert_allclose(fitted.scores(sparse.csr_matrix(queries)), textbook_scores(queries, weighted), atol=1e-5)
