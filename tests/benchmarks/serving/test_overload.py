"""Test the bounds of the overload benchmark, on machines of any speed."""

from typing import Any

import pytest

from benchmarks.serving.overload import wrong

FINE: dict[str, Any] = {
    "goodput_share": 0.95,
    "goodput_share_of_what_is_left": 1.0,
    "lists_without_customer_share": 0.0,
    "without_retry_after": 0,
    "recovered_s": 1.0,
}


def test_a_slow_machine_whose_refusals_cost_a_fifth_of_its_time_is_fine() -> None:
    slow = {"goodput_share": 0.76, "goodput_share_of_what_is_left": 0.97, "lists_without_customer_share": 0.01}
    assert wrong(FINE, set()) == wrong(FINE | slow, set()) == []


@pytest.mark.parametrize(
    ("figures", "others", "words"),
    [
        ({"goodput_share_of_what_is_left": 0.89}, set(), "0.89 of the capacity next to as many refusals"),
        ({"goodput_share": 0.39}, set(), "0.39 of the capacity, below"),
        ({"lists_without_customer_share": 0.06}, set(), "0.06 of the lists were without their customer"),
        ({"without_retry_after": 2}, set(), "2 answers with 429 had no Retry-After"),
        ({"recovered_s": None}, set(), "did not recover within 5 seconds"),
        ({}, {500}, "requests ended with [500]"),
    ],
)
def test_what_no_slow_machine_excuses_is_named(figures: dict[str, Any], others: set[int], words: str) -> None:
    (found,) = wrong(FINE | figures, others)
    assert words in found
