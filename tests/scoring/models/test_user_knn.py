"""Neighbours on four customers whose likeness can be worked out by hand.

Everybody bought once: a {p0}, b {p0, p1}, c {p1, p2}, d {p3}. Of four customers two bought p0 and p1 each, one p2 and
p3 each: idf is L = ln 2 for the former, 2 L for the latter. So a = (1,0,0,0), b = (1,1,0,0)/√2, c = (0,1,2,0)/√5.
"""

from math import e
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from scoring.models.user_knn import UserKnn

BASKETS = sparse.csr_matrix(np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], np.float32))
DAYS_SINCE_LAST = np.array([10, 5, 40, 3, 20, 1], np.float32)
"""b bought p1 forty days ago, everything else is recent."""


def said(neighbours: UserKnn, *baskets: float) -> np.ndarray:
    """Return the recent purchases of the neighbours of a customer with these baskets, `[products]`."""
    products = np.flatnonzero(baskets)
    return neighbours.scores(neighbours.neighbour_weights(products, np.array(baskets, np.float32)[products]))


def scores(count: int, *baskets: float) -> np.ndarray:
    return said(UserKnn.fit(BASKETS, DAYS_SINCE_LAST, count), *baskets)


def test_neighbours_speak_by_their_likeness_of_what_they_bought_lately():
    # A customer with p1 is 1/√2 like b and 1/√5 like c; b bought only p0 recently, c both p1 and p2.
    b, c = 2**-0.5, 5**-0.5
    expected = [b / (b + c), c / (b + c), c / (b + c), 0]
    assert scores(2, 0, 1, 0, 0) == pytest.approx(expected, abs=1e-6)


def test_no_more_neighbours_speak_than_asked():
    assert scores(1, 0, 1, 0, 0) == pytest.approx([1, 0, 0, 0], abs=1e-6)


def test_a_customer_is_not_their_own_neighbour():
    # With c as its own neighbour, p1 and p2 would have a score; only b contributes, by p0.
    assert scores(4, 0, 1, 1, 0) == pytest.approx([1, 0, 0, 0], abs=1e-6)


def test_what_was_bought_more_often_weighs_more():
    # p0 in e baskets weighs (1 + 1) L, as much as p2 in one: 1/√2 like a, √(2/5) like c. Once each, c would be nearer.
    assert scores(1, e, 0, 1, 0) == pytest.approx([1, 0, 0, 0], abs=1e-6)
    assert scores(1, 1, 0, 1, 0) == pytest.approx([0, 1, 1, 0], abs=1e-6)


def test_nobody_is_like_a_customer_without_purchases():
    assert scores(2, 0, 0, 0, 0).tolist() == [0, 0, 0, 0]


def test_neighbours_survive_saving(tmp_path: Path):
    fitted = UserKnn.fit(BASKETS, DAYS_SINCE_LAST, 2)
    fitted.save(tmp_path)
    loaded = UserKnn.load(tmp_path)
    assert loaded.n_neighbours == 2
    np.testing.assert_array_equal(said(loaded, 0, 1, 0, 0), said(fitted, 0, 1, 0, 0))
