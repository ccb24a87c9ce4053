"""Customers are assigned to slices, and slices show where a method loses."""

from dataclasses import asdict

import numpy as np
import pytest

from ml.evaluation.slices import MIN_SLICE_CUSTOMERS, Slice, assign_slices, compare_slices, difference
from scoring.candidates.customer_batch import CustomerBatch
from scoring.customer.customer import Customer
from tests.support.serving.small_bundle import buyer_features, small_catalogue

SCORES = ("all NDCG@10", "explore Recall@100")


def customer(*own: str, baskets: float = 5, **traits: str) -> Customer:
    profile = {"customer_profile__baskets": baskets} | {f"customer_profile__{k}": v for k, v in traits.items()}
    return Customer.from_features(buyer_features(*own) | profile)


def assigned(*customers: Customer) -> dict[str, list[str]]:
    # department codes of p0, p1, …: 1, 2, 3, 0 (unknown), 1, …
    block = CustomerBatch.of(customers, small_catalogue(), np.zeros((len(customers), 4), np.float32))
    return {name: values.tolist() for name, values in assign_slices(block, ["Bakery", "Deli", "Fish"]).items()}


@pytest.mark.parametrize(
    ("baskets", "band"), [(1, "1-10"), (10, "1-10"), (11, "11-50"), (150, "51-150"), (151, "over 150")]
)
def test_customers_are_told_apart_by_their_number_of_baskets(baskets: float, band: str):
    assert assigned(customer("p0", baskets=baskets))["baskets"] == [band]


def test_a_usual_store_alone_is_no_demographic():
    found = assigned(customer("p0", store_id="7"), customer("p0", age_band="35-44"))
    assert found["demographics"] == ["unknown", "known"]


def test_a_store_with_few_customers_is_one_of_the_others():
    many = [customer("p0", store_id="7")] * MIN_SLICE_CUSTOMERS
    assert assigned(*many, customer("p0", store_id="8"), customer("p0"))["store"] == ["7"] * MIN_SLICE_CUSTOMERS + [
        "other",
        "",
    ]


def test_a_department_is_what_the_customer_buys_more_of_than_others():
    # All buy most in Bakery (p0 first, twice); the second also in Deli, the third also in Fish.
    found = assigned(customer("p0"), customer("p0", "p1"), customer("p0", "p2"), customer("p3"))
    assert found["department"] == ["Bakery", "Deli", "Fish", ""]


def two_groups(loss: float) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """Ours is better by 0.05 for 300 customers and worse by `loss` for 60 of them."""
    rng = np.random.default_rng(1)
    group = np.array(["few"] * 60 + ["many"] * 240)
    rule = rng.uniform(0.2, 0.6, 300)
    ours = rule + rng.normal(0.05, 0.02, 300) - np.where(group == "few", loss + 0.05, 0)
    return {"group": group}, {"ours": dict.fromkeys(SCORES, ours), "rule": dict.fromkeys(SCORES, rule)}


def test_a_mean_does_not_hide_the_few_who_lose():
    groups, scores = two_groups(loss=0.02)
    assert (scores["ours"]["all NDCG@10"] - scores["rule"]["all NDCG@10"]).mean() > 0.03
    found = {row.value: row for row in compare_slices(groups, scores, "ours") if row.score == "all NDCG@10"}
    assert (found["few"].customers, found["many"].customers) == (60, 240)
    assert found["few"].against["rule"].mean == pytest.approx(-0.02, abs=0.005)
    assert found["few"].against["rule"].p_worse < 0.001
    assert found["many"].against["rule"].p_worse > 0.999
    assert found["few"].means["ours"] < found["few"].means["rule"]


def test_groups_too_small_to_tell_unknown_ones_and_everybody_are_no_slices():
    _, scores = two_groups(loss=0.02)
    small = np.array(["a"] * (MIN_SLICE_CUSTOMERS - 1) + ["b"] * (300 - MIN_SLICE_CUSTOMERS + 1))
    unknown = np.array([""] * 100 + ["c"] * 200)
    found = compare_slices({"small": small, "unknown": unknown, "all": np.array(["x"] * 300)}, scores, "ours")
    assert {(row.slice, row.value) for row in found} == {("small", "b"), ("unknown", "c")}


def test_customers_with_nothing_to_find_do_not_fill_a_slice():
    groups, scores = two_groups(loss=0.02)
    few = scores["ours"]["explore Recall@100"].copy()
    few[: 60 - MIN_SLICE_CUSTOMERS + 1] = np.nan
    found = compare_slices(groups, {**scores, "ours": {**scores["ours"], "explore Recall@100": few}}, "ours")
    assert ("few", "explore Recall@100") not in {(row.value, row.score) for row in found}


def test_equal_lists_are_not_worse_and_equal_losses_are():
    assert difference(np.zeros(80)).p_worse == 1.0
    assert difference(np.full(80, -0.01)).p_worse == 0.0


def test_slices_are_read_as_they_were_written():
    groups, scores = two_groups(loss=0.02)
    rows = compare_slices(groups, scores, "ours")
    assert [Slice.from_json(asdict(row)) for row in rows] == rows
