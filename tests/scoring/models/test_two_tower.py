"""The query tower reads these inputs of a history."""

from collections.abc import Mapping

import numpy as np

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.customer.customer import Customer
from scoring.models.two_tower import SEQUENCE_LENGTH, SEQUENCE_TIMES, query_inputs, sequence_inputs
from scoring.schema import HISTORY

INDEX = {"a": 0, "b": 1, "c": 2}
CODES = {
    field: np.array([7, 8, 9], np.int32) for field in ("product_id", "product_type", "category", "manufacturer_id")
}


def customer(**days_since_last: float) -> Customer:
    """`a=30` was bought last thirty days ago; in as many baskets as its place."""
    n = len(days_since_last)
    features = {f"customer_history__{name}": [1.0] * n for name in HISTORY} | {
        "customer_history__product_ids": list(days_since_last),
        "customer_history__days_since_last": list(days_since_last.values()),
        "customer_history__baskets": [1.0 + place for place in range(n)],
    }
    return Customer.from_features(features)


def bought(*customers: Customer, index: Mapping[str, int] = INDEX) -> PurchaseMatrix:
    return PurchaseMatrix.of(customers, index)


def test_a_sequence_runs_from_the_oldest_to_the_latest_purchase_and_then_pads():
    inputs = sequence_inputs(bought(customer(c=2.0, a=30.0, b=9.0)), CODES)
    assert inputs["sequence_product_id"][0, :4].tolist() == [7, 8, 9, 0]
    assert inputs["sequence_mask"][0].sum() == 3


def test_each_step_says_how_long_ago_it_was_how_long_until_the_next_and_in_how_many_baskets():
    times = np.expm1(sequence_inputs(bought(customer(c=2.0, a=30.0, b=9.0)), CODES)["sequence_times"][0, :3])
    expected = {"days_since_last": [30, 9, 2], "days_to_next": [21, 7, 2], "baskets": [2, 3, 1]}
    np.testing.assert_allclose(times, np.column_stack([expected[name] for name in SEQUENCE_TIMES]), rtol=1e-5)


def test_a_long_history_keeps_its_latest_end():
    many = {f"p{day}": float(day) for day in range(SEQUENCE_LENGTH + 5)}
    index = {name: place for place, name in enumerate(many)}
    codes = {field: np.arange(1, len(many) + 1, dtype=np.int32) for field in CODES}
    sequence = sequence_inputs(bought(customer(**many), index=index), codes)["sequence_product_id"][0]
    assert sequence.tolist() == list(range(SEQUENCE_LENGTH, 0, -1))  # p0, bought today, has code 1


def test_products_that_the_catalogue_does_not_know_are_left_out_of_a_sequence():
    inputs = sequence_inputs(bought(customer(gone=1.0, a=5.0), Customer.empty()), CODES)
    assert inputs["sequence_product_id"][0, :2].tolist() == [7, 0]
    assert inputs["sequence_mask"].sum(axis=1).tolist() == [1.0, 0.0]


def test_a_tower_without_a_sequence_encoder_costs_no_sequence():
    assert not any(name.startswith("sequence_") for name in query_inputs(bought(customer(a=1.0)), CODES))
    assert "sequence_mask" in query_inputs(bought(customer(a=1.0)), CODES, sequences=True)
