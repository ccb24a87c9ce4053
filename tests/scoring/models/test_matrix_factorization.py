"""A customer is folded in by the closed form of the paper."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from scoring.models.matrix_factorization import MatrixFactorization, confidences

VECTORS = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
BASKETS = np.array([[0, 3, 0, 1, 0], [2, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32)
CONFIDENCE, REGULARISATION = 2.0, 0.5


def closed_form(baskets: np.ndarray) -> np.ndarray:
    """Hu, Koren & Volinsky 2008, eq. 4: (Yᵀ C Y + λI)⁻¹ Yᵀ C p with the whole diagonal C, one customer."""
    bought = baskets > 0
    c = np.diag(np.where(bought, 1 + CONFIDENCE * (1 + np.log(np.maximum(baskets, 1))), 1.0))
    left = VECTORS.T @ c @ VECTORS + REGULARISATION * np.eye(3)
    return VECTORS @ np.linalg.solve(left, VECTORS.T @ c @ bought.astype(float))


def preferences(model: MatrixFactorization) -> np.ndarray:
    return model.fold_in(sparse.csr_matrix(BASKETS)) @ model.vectors.T


def test_scores_equal_the_closed_form():
    scores = preferences(MatrixFactorization(VECTORS, CONFIDENCE, REGULARISATION))
    np.testing.assert_allclose(scores, [closed_form(row) for row in BASKETS], atol=1e-5)


def test_a_first_basket_adds_the_confidence_and_later_ones_their_logarithm():
    assert confidences(np.array([1.0, math.e]), 2.0) == pytest.approx([3.0, 5.0])


def test_without_factors_nothing_has_a_score():
    off = MatrixFactorization(np.zeros((5, 0), np.float32), CONFIDENCE, REGULARISATION)
    assert preferences(off).tolist() == np.zeros((3, 5)).tolist()


def test_factors_survive_saving(tmp_path: Path):
    fitted = MatrixFactorization(VECTORS, CONFIDENCE, REGULARISATION)
    fitted.save(tmp_path)
    np.testing.assert_array_equal(preferences(MatrixFactorization.load(tmp_path)), preferences(fitted))
