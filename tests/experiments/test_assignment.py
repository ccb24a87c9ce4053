import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from experiments.assignment import assign, experiment_key, hash_numbers
from experiments.errors import ExperimentError

KEY = b"a key of the tests"
CUSTOMERS = [f"customer {number}" for number in range(20_000)]
SHARES = {"offer": 0.6, "reminder": 0.3, "holdout": 0.1}


@given(st.binary(min_size=8, max_size=100), st.text())
def test_the_number_is_the_first_53_bits_of_the_hmac(key: bytes, customer_id: str) -> None:
    bits = int.from_bytes(hmac.digest(key, customer_id.encode(), "sha256"), "big") >> (256 - 53)
    assert hash_numbers(key, [customer_id]).tolist() == [bits / 2**53]


@given(st.lists(st.text(), max_size=20), st.randoms())
def test_a_variant_depends_on_no_other_customer(customer_ids: list[str], random) -> None:
    together = dict(zip(customer_ids, assign(KEY, customer_ids, SHARES), strict=True))
    random.shuffle(customer_ids)
    assert {customer_id: assign(KEY, [customer_id], SHARES)[0] for customer_id in customer_ids} == together


def test_shares_are_kept_within_binomial_error() -> None:
    variants = assign(KEY, CUSTOMERS, SHARES)
    for name, share in SHARES.items():
        error = np.sqrt(share * (1 - share) / len(CUSTOMERS))
        assert abs((variants == name).mean() - share) < 4 * error


def test_two_experiments_are_independent() -> None:
    halves = {"a": 0.5, "b": 0.5}
    first, second = (assign(experiment_key(KEY, name), CUSTOMERS, halves) == "a" for name in ("spring", "summer"))
    counts = np.array([[np.sum((first == x) & (second == y)) for x in (True, False)] for y in (True, False)])
    assert chi2_contingency(counts).pvalue > 0.001
    assert abs((first == second).mean() - 0.5) < 0.02


def test_a_growing_share_only_takes_from_the_next_variant() -> None:
    before = assign(KEY, CUSTOMERS, {"a": 0.2, "b": 0.5, "c": 0.3})
    after = assign(KEY, CUSTOMERS, {"a": 0.4, "b": 0.3, "c": 0.3})
    moved = before != after
    assert moved.any()
    assert set(before[moved]) == {"b"}
    assert set(after[moved]) == {"a"}


def test_a_variant_without_a_share_gets_no_customer() -> None:
    assert set(assign(KEY, CUSTOMERS, {"a": 0.0, "b": 1.0, "c": 0.0})) == {"b"}
    # Ten tenths add up to less than 1 in floating point; the last variant takes the rest.
    assert set(assign(KEY, CUSTOMERS, {str(n): 0.1 for n in range(10)})) == {str(n) for n in range(10)}


def test_no_customer_is_an_empty_answer() -> None:
    assert assign(KEY, [], SHARES).shape == (0,)


@pytest.mark.parametrize(
    ("key", "shares", "message"),
    [
        (b"short", SHARES, "has 5 bytes"),
        (KEY, {}, "at least one variant"),
        (KEY, {"a": 0.5, "b": 0.6}, "a, b add up to 1.1"),
        (KEY, {"a": 1.5, "b": -0.5}, "share of 'a' is 1.5"),
        (KEY, {"a": float("nan"), "b": 1.0}, "share of 'a' is nan"),
    ],
)
def test_an_impossible_assignment_is_refused(key: bytes, shares: dict[str, float], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        assign(key, CUSTOMERS[:1], shares)
