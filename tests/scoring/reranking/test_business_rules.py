"""The shop's rules hold for every list, however it came about."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES
from scoring.recommender import Item
from scoring.request import RecommendationRequest
from scoring.reranking.business_rules import NO_RULES, BusinessRules, apply_business_rules, eligible
from scoring.reranking.group_fallback import GroupFallback
from tests.support.scoring.random_shop import CATEGORIES, Shop, shop

FALLBACK = GroupFallback(slate="all", group="demographics", value="unknown", reason="a test")
SHOPS = {
    "plain": shop(1),
    "group fallback": shop(2, fallbacks=(FALLBACK,)),
    "narrow": shop(3, quota=2),
}

NAMES = st.sampled_from([*CATEGORIES[1:], "No such category"])
RULES = st.builds(
    BusinessRules,
    exclude=st.frozensets(st.integers(0, 70).map("p{}".format), max_size=30),
    include_categories=st.frozensets(NAMES, max_size=3),
    exclude_categories=st.frozensets(NAMES, max_size=3),
    max_per_category=st.none() | st.integers(1, 4),
    diversity=st.sampled_from([0.0, 0.3, 0.7, 1.0]),
)
MANY = settings(max_examples=300, deadline=None)


def violations(found: Shop, items: list[Item], rules: BusinessRules, k: int) -> list[str]:
    """Return a sentence for every broken rule of a list."""
    wrong = ["a product twice"] if len({item.product_id for item in items}) < len(items) else []
    wrong += ["too long"] if len(items) > k else []
    counts: dict[str, int] = {}
    for item in items:
        category = found.catalogue.category_names[found.catalogue.index[item.product_id]]
        counts[category] = counts.get(category, 0) + 1
        wrong += [f"{item.product_id} is excluded"] if item.product_id in rules.exclude else []
        wrong += [f"{category} is excluded"] if category in rules.exclude_categories else []
        if rules.include_categories and category not in rules.include_categories:
            wrong.append(f"{category} is not included")
    if rules.max_per_category is not None:
        wrong += [f"{n} of {c}" for c, n in counts.items() if c and n > rules.max_per_category]
    return wrong


def room_left(found: Shop, items: list[Item], rules: BusinessRules, candidates: list[str]) -> list[str]:
    """Candidates that a short list could have taken in."""
    shown = {item.product_id for item in items}
    left = [product_id for product_id in candidates if product_id not in shown]
    return [
        product_id for product_id in left if not violations(found, [*items, _bare(product_id)], rules, len(items) + 1)
    ]


def _bare(product_id: str) -> Item:
    return Item(product_id, "", "", 0.0, "", "")


@MANY
@given(
    name=st.sampled_from(sorted(SHOPS)), row=st.integers(-2, 39), slate=st.sampled_from(SLATES), k=st.integers(1, 70),
    rules=RULES,
)  # fmt: skip
def test_no_list_breaks_a_rule_and_none_is_shorter_than_it_must_be(name, row, slate, k, rules):
    found = SHOPS[name]
    customer = {-1: None, -2: Customer.empty()}.get(row) if row < 0 else found.customers[row]
    answer = found.recommender.recommend(customer, RecommendationRequest(slate, k, rules))
    own = set() if customer is None else set(customer.product_ids)

    assert violations(found, answer.items, rules, k) == []
    if slate == "explore":
        assert not own & {item.product_id for item in answer.items}
    if len(answer.items) < k:  # every allowed product is in the list or behind it
        new = [product_id for product_id in found.catalogue.product_ids if product_id not in own]
        assert room_left(found, answer.items, rules, new) == []
    assert found.recommender.recommend(customer, RecommendationRequest(slate, k, rules)) == answer


@MANY
@given(
    name=st.sampled_from(sorted(SHOPS)), row=st.integers(-2, 39), slate=st.sampled_from(SLATES), k=st.integers(1, 30),
    rules=RULES, asked=st.lists(st.integers(0, 70).map("p{}".format), min_size=1, max_size=30),
)  # fmt: skip
def test_reranking_keeps_the_rules_and_adds_no_product(name, row, slate, k, rules, asked):
    found = SHOPS[name]
    customer = {-1: None, -2: Customer.empty()}.get(row) if row < 0 else found.customers[row]
    items = found.recommender.recommend(customer, RecommendationRequest(slate, k, rules, tuple(asked))).items
    own = set() if customer is None else set(customer.product_ids)

    assert violations(found, items, rules, k) == []
    assert {item.product_id for item in items} <= set(asked)
    if len(items) < k:
        known = {p for p in asked if p in found.catalogue.index and not (slate == "explore" and p in own)}
        assert room_left(found, items, rules, sorted(known)) == []


@MANY
@given(name=st.sampled_from(sorted(SHOPS)), asked=st.integers(0, 59), k=st.integers(1, 70), rules=RULES)
def test_similar_items_keep_the_rules_and_never_name_the_product_itself(name, asked, k, rules):
    found = SHOPS[name]
    items = found.recommender.similar(f"p{asked}", k, rules).items

    assert violations(found, items, rules, k) == []
    assert f"p{asked}" not in {item.product_id for item in items}
    if len(items) < k:
        others = [p for p in found.catalogue.product_ids if p != f"p{asked}"]
        assert room_left(found, items, rules, others) == []


@pytest.mark.parametrize("slate", SLATES)
def test_without_diversity_the_rules_only_leave_out(slate):
    found = SHOPS["plain"]
    rules = BusinessRules(exclude=frozenset({"p3", "p4"}), exclude_categories=frozenset({"Wine"}))
    for customer in found.customers[:10]:
        everything = found.recommender.recommend(customer, RecommendationRequest(slate, 60)).items
        kept = [i for i in everything if i.product_id not in rules.exclude and i.category != "Wine"]
        assert found.recommender.recommend(customer, RecommendationRequest(slate, 7, rules)).items == kept[:7]


def test_unknown_products_and_categories_change_nothing():
    found = SHOPS["plain"]
    rules = BusinessRules(exclude=frozenset({"nowhere"}), exclude_categories=frozenset({"Nowhere"}))
    assert eligible(found.catalogue, rules).all()
    assert not eligible(found.catalogue, BusinessRules(include_categories=frozenset({"Nowhere"}))).any()


def test_a_cap_counts_no_products_without_a_category():
    found = SHOPS["plain"]
    nameless = np.flatnonzero(found.catalogue.category == found.catalogue.categories[""])
    places = apply_business_rules(
        found.catalogue, nameless, np.zeros(len(nameless)), BusinessRules(max_per_category=1), 5
    )
    assert places.tolist() == [0, 1, 2, 3, 4]


def test_rules_that_ask_for_nothing_is_empty():
    assert BusinessRules().is_empty
    assert BusinessRules(exclude=frozenset(), diversity=0.0) == NO_RULES
    assert not BusinessRules(max_per_category=1).is_empty
