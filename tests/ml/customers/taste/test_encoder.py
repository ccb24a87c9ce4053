"""Recall of new categories by hand, PCA against planted tastes, and an encoder's file."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from ml.customers.taste.baskets import Examples, as_inputs
from ml.customers.taste.encoder import Encoder
from ml.customers.taste.part import new_recall
from ml.customers.taste.pca import fit_pca

CATEGORIES = [f"category {k:02}" for k in range(30)]


def planted(customers: int = 300) -> Examples:
    """Customers of two tastes, who buy half of a taste's 15 categories before and others of the same taste after."""
    rng = np.random.default_rng(3)
    before, after = np.zeros((customers, 30)), np.zeros((customers, 30))
    for k in range(customers):
        own = rng.permutation(15) + 15 * (k % 2)
        before[k, own[:7]], after[k, own[7:10]] = 2, 1
    return Examples(csr_matrix(before), csr_matrix(after))


def test_pca_finds_new_categories_of_the_own_taste() -> None:
    examples = planted()
    encoder = fit_pca(CATEGORIES, examples, 2)
    scores = encoder.scores(as_inputs(examples.before))

    is_own = scores[:, :15].mean(axis=1) > scores[:, 15:].mean(axis=1)
    assert is_own[::2].all()
    assert not is_own[1::2].any()
    assert encoder.encode(as_inputs(examples.before)).shape == (300, 2)


def test_only_categories_that_were_not_bought_before_count() -> None:
    before = np.zeros((2, 30))
    before[0, :9] = 1
    after = np.zeros((2, 30))
    after[0, [0, 9, 29]] = 1
    scores = np.tile(np.arange(30, 0, -1.0), (2, 1))
    found = new_recall(scores, Examples(csr_matrix(before), csr_matrix(after)))

    # Of the new 9 and 29 only 9 is among the best 20 that were not bought before, 9 to 28.
    assert found[0] == pytest.approx(0.5)
    assert np.isnan(found[1])


def test_an_encoder_survives_its_file_with_two_layers_a_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    sizes = [(30, 8), (8, 2), (2, 8), (8, 30)]
    layers = [(rng.normal(size=size), rng.normal(size=size[1])) for size in sizes]
    encoder = Encoder(CATEGORIES, layers[:2], layers[2:])
    encoder.write(tmp_path / "encoder.npz")
    again = Encoder.read(tmp_path / "encoder.npz")
    inputs = as_inputs(planted(5).before)

    assert again.categories == CATEGORIES
    np.testing.assert_array_equal(again.scores(inputs), encoder.scores(inputs))
    by_hand = np.tanh(inputs.toarray() @ layers[0][0] + layers[0][1]) @ layers[1][0] + layers[1][1]
    np.testing.assert_allclose(again.encode(inputs), by_hand)


def test_an_input_has_length_one_and_an_empty_customer_stays_empty() -> None:
    inputs = as_inputs(csr_matrix(np.array([[3.0, 1.0], [0.0, 0.0]]))).toarray()

    assert np.linalg.norm(inputs, axis=1) == pytest.approx([1, 0])
    assert inputs[0, 0] / inputs[0, 1] == pytest.approx(2)
