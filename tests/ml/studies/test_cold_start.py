"""A cut history is the history of a shorter past, and the curve's verdict is honest."""

import numpy as np
import pytest

from ml.studies.cold_start import cut, findings, summary
from scoring.customer.customer import Customer
from scoring.customer.state import distinct_ages
from scoring.schema import HISTORY, PROFILE

Baskets = list[tuple[float, dict[str, float]]]
"""`(days ago, spend by product)`, newest first."""

ONCE_EACH: Baskets = [(2.0, {"a": 3.0, "b": 1.0}), (9.0, {"c": 2.0}), (40.0, {"d": 4.0}), (70.0, {"e": 5.0})]


def known_from(baskets: Baskets) -> Customer:
    """Compute history and profile by their definitions from the baskets; other features are 0."""
    products = sorted({product for _, items in baskets for product in items})
    ages = [[age for age, items in baskets if product in items] for product in products]
    spend = [sum(items.get(product, 0.0) for _, items in baskets) for product in products]
    history = {name: np.array([_of(name, a) or 0.0 for a in ages], np.float32) for name in HISTORY}
    history["spend"] = np.array(spend, np.float32)
    order = np.argsort(-history["decayed_120d"], kind="stable")
    first, last, n = baskets[-1][0], baskets[0][0], len(baskets)
    lately = [(product, a) for product, a in zip(products, ages, strict=True) if a[0] <= 56]
    profile = dict.fromkeys(PROFILE, 0.0) | {
        "baskets": float(n),
        "days_since_last_basket": last,
        "days_since_first_basket": first,
        "gap_mean_days": (first - last) / (n - 1) if n > 1 else 0.0,
        "products": float(len(products)),
        "basket_size_mean": sum(len(items) for _, items in baskets) / n,
        "new_product_share_8w": sum(a[-1] <= 56 for _, a in lately)
        / max(sum(age <= 56 for _, a in lately for age in a), 1),
    }
    for weeks in (4, 13):
        profile[f"baskets_{weeks}w"] = float(sum(age <= 7 * weeks for age, _ in baskets))
        profile[f"spend_{weeks}w"] = sum(sum(items.values()) for age, items in baskets if age <= 7 * weeks)
    return Customer(
        [products[i] for i in order], {name: values[order] for name, values in history.items()}, profile, {}
    )


def _of(name: str, ages: list[float]) -> float | None:
    if name.startswith("decayed"):
        return float(np.exp(-np.array(ages) / int(name.removeprefix("decayed_")[:-1])).sum())
    if name.startswith("baskets_"):
        return float(sum(age <= 7 * int(name.removeprefix("baskets_")[:-1]) for age in ages))
    gap = (ages[-1] - ages[0]) / max(len(ages) - 1, 1)
    return {
        "baskets": float(len(ages)),
        "quantity": float(len(ages)),
        "last_20_baskets": float(len(ages)),
        "periods_4w": float(len({age // 28 for age in ages})),
        "days_since_last": ages[0],
        "days_since_first": ages[-1],
        "gap_mean_days": gap,
        "gap_std_days": 0.0,
    }.get(name)


DEFINED_HISTORY = {name for name in HISTORY if _of(name, [1.0]) is not None} | {"spend"}
DEFINED_PROFILE = {name for name, value in known_from(ONCE_EACH).profile.items() if value}
"""The features that this test works out by hand; the comparison with dbt covers all."""


@pytest.mark.parametrize("baskets", [1, 2, 3])
def test_cutting_gives_what_a_shorter_past_would_have_given(baskets: int):
    short, expected = cut(known_from(ONCE_EACH), baskets), known_from(ONCE_EACH[:baskets])
    assert list(short.product_ids) == list(expected.product_ids)
    for name in DEFINED_HISTORY:
        assert short.history[name] == pytest.approx(expected.history[name], rel=1e-6), name
    for name in DEFINED_PROFILE:
        assert short.profile[name] == pytest.approx(expected.profile[name]), name


def test_a_product_first_bought_within_the_cut_keeps_its_repeats():
    past: Baskets = [(1.0, {"a": 1.0}), (5.0, {"a": 1.0}), (8.0, {"b": 1.0}), (90.0, {"c": 1.0})]
    short = cut(known_from(past), 3)
    assert dict(zip(short.product_ids, short.history["baskets"], strict=True)) == {"a": 2.0, "b": 1.0}


def test_a_product_that_was_bought_before_the_cut_shows_nothing_of_it():
    past: Baskets = [(1.0, {"a": 2.0}), (50.0, {"a": 4.0}), (90.0, {"a": 6.0, "b": 1.0})]
    short, fresh = cut(known_from(past), 1), known_from([(1.0, {"a": 4.0})])  # 4 is the mean of 2, 4 and 6
    assert list(short.product_ids) == ["a"]
    for name in DEFINED_HISTORY:
        assert short.history[name] == pytest.approx(fresh.history[name]), name


def test_products_that_weigh_the_same_do_not_stand_in_the_order_of_what_is_hidden():
    past: Baskets = [(1.0, {"a": 1.0, "b": 1.0, "c": 1.0}), (20.0, {"b": 1.0, "c": 1.0}), (30.0, {"c": 1.0})]
    assert list(known_from(past).product_ids) == ["c", "b", "a"]
    assert list(cut(known_from(past), 1).product_ids) == ["a", "b", "c"]


def test_without_a_basket_nothing_is_known_but_who_the_customer_is():
    customer = Customer(["a"], known_from([(1.0, {"a": 1.0})]).history, dict.fromkeys(PROFILE, 3.0), {"age_band": "x"})
    nobody = cut(customer, 0)
    assert nobody.is_new
    assert set(nobody.profile.values()) == {0.0}
    assert nobody.traits == {"age_band": "x"}


def test_a_customer_with_no_more_baskets_stays_as_known():
    customer = known_from(ONCE_EACH)
    assert cut(customer, 4) is customer
    assert cut(customer, None) is customer


def test_lines_minutes_apart_are_one_basket():
    assert distinct_ages(np.array([1.0, 1.005, 3.0])).tolist() == [1.0, 3.0]
    one = cut(known_from([(1.0, {"a": 1.0}), (1.005, {"b": 1.0}), (3.0, {"c": 1.0})]), 1)
    assert sorted(one.product_ids) == ["a", "b"]
    assert (one.profile["baskets"], one.profile["basket_size_mean"]) == (1.0, 2.0)


def curve(*ours: float) -> dict:
    rng = np.random.default_rng(1)
    noise = rng.normal(scale=0.001, size=200)
    cuts = (0, 1, 3, 5, None)
    points = {
        n: {"reach": {"NDCG": mean + noise}, "popularity": {"NDCG": 0.2 + noise}}
        for n, mean in zip(cuts, ours, strict=True)
    }
    return summary(points, "reach", seed=7)


def test_a_curve_that_rises_above_popularity_has_no_findings():
    assert findings(curve(0.2, 0.25, 0.3, 0.35, 0.4), "NDCG", "popularity") == []


def test_falling_below_popularity_is_found():
    [sentence] = findings(curve(0.19, 0.25, 0.3, 0.35, 0.4), "NDCG", "popularity")
    assert sentence.startswith("With a history of 0 baskets, reach falls below popularity on NDCG: -0.0100")


def test_losing_by_knowing_more_is_found():
    [sentence] = findings(curve(0.2, 0.25, 0.24, 0.35, 0.4), "NDCG", "popularity")
    assert sentence.startswith("With a history of 3 baskets, reach is not better on NDCG than with fewer: -0.0100")
