"""Histories in the catalogue's order, small enough to read off."""

import numpy as np
import pytest

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.customer.customer import Customer

INDEX = {"milk": 0, "bread": 1, "tea": 2, "salt": 3}


def customer(product_ids: list[str], baskets: list[float]) -> Customer:
    lists = {"product_ids": product_ids, "baskets": baskets, "spend": [10 * n for n in baskets]}
    return Customer.from_features({f"customer_history__{name}": values for name, values in lists.items()})


@pytest.fixture
def purchases() -> PurchaseMatrix:
    """The first bought something that is no longer sold, the second nothing at all."""
    return PurchaseMatrix.of(
        [customer(["tea", "gone", "milk"], [3, 9, 1]), Customer.empty(), customer(["salt"], [2])], INDEX
    )


def test_each_purchase_stands_in_the_catalogues_column(purchases: PurchaseMatrix):
    assert purchases.matrix("baskets").toarray().tolist() == [[1, 0, 3, 0], [0, 0, 0, 0], [0, 0, 0, 2]]


def test_every_name_has_the_same_pattern(purchases: PurchaseMatrix):
    baskets, spend = purchases.matrix("baskets"), purchases.matrix("spend")
    assert (spend.data == 10 * baskets.data).all()
    assert (spend.indices == baskets.indices).all()
    assert (spend.indptr == baskets.indptr).all()


def test_a_customers_values_are_aligned_with_their_positions(purchases: PurchaseMatrix):
    assert purchases.positions[0].tolist() == [2, 0]
    assert purchases.history(0, "spend").tolist() == [30, 10]


def test_nobody_makes_a_matrix_without_rows():
    matrix = PurchaseMatrix.of([], INDEX).matrix("baskets")
    assert matrix.shape == (0, 4)
    assert matrix.dtype == np.float32
