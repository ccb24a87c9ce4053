"""A view, a cart and a rating change a customer's list; without them nothing changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from scoring.candidates.retriever import Retriever
from scoring.candidates.sources import SOURCES
from scoring.customer.customer import Customer
from scoring.customer.recent_interest import recent_interest
from scoring.models.ranker import Slate
from scoring.recommender import Item, Recommender
from scoring.request import RecommendationRequest
from scoring.reranking.explanations import Explainer
from tests.support.scoring.random_shop import Shop, shop

pytestmark = pytest.mark.integration

NOW = datetime(2018, 1, 1, 12)
SHOPS = [shop(seed, quota=8) for seed in range(4)]
BASELINE = shop(1, quota=8, baseline=True)
K = 10


class Did(NamedTuple):
    event_type: str
    product_id: str
    occurred_at: datetime = NOW - timedelta(hours=1)
    rating: float | None = None


def after(customer: Customer, *events: Did) -> Customer:
    return replace(customer, recent=recent_interest(events, {}, NOW))


def items(
    found: Shop, customer: Customer, slate: Slate = "all", restrict_to: Sequence[str] | None = None
) -> list[Item]:
    named = None if restrict_to is None else tuple(restrict_to)
    request = RecommendationRequest(slate, K if named is None else len(named), restrict_to=named)
    return found.recommender.recommend(customer, request).items


def ids(*arguments: object) -> list[str]:
    return [item.product_id for item in items(*arguments)]


def last(found: Shop, customer: Customer, slate: Slate = "explore") -> str:
    """The product that the shop would list last."""
    named = found.catalogue.product_ids
    return [
        item.product_id for item in items(found, customer, slate, named) if item.product_id not in customer.product_ids
    ][-1]


@pytest.mark.parametrize("number", range(4))
def test_without_recent_events_the_source_changes_no_list(number: int) -> None:
    found = SHOPS[number]
    quotas = dict.fromkeys(SOURCES, 8)
    del quotas["seen_lately"]
    retriever = found.recommender.retriever
    former = Recommender(Retriever(found.catalogue, retriever._query_tower, quotas), found.recommender._ranker)
    for customer in found.customers:
        for slate in ("all", "explore"):
            request = RecommendationRequest(slate, 60)
            assert found.recommender.recommend(customer, request) == former.recommend(customer, request)


@pytest.mark.parametrize("found", [*SHOPS, BASELINE])
@pytest.mark.parametrize("slate", ["all", "explore"])
def test_a_viewed_product_is_in_the_next_list_with_its_reason(found: Shop, slate: Slate) -> None:
    for customer in found.customers[:10]:
        product_id = last(found, customer)
        assert product_id not in ids(found, customer, slate)
        [item] = [
            item
            for item in items(found, after(customer, Did("view", product_id)), slate)
            if item.product_id == product_id
        ]
        assert (item.source, item.reason) == ("seen_lately", "You viewed this today")


@pytest.mark.parametrize("found", [*SHOPS, BASELINE])
def test_what_lies_in_the_cart_is_not_listed_and_is_completed(found: Shop) -> None:
    reasons = set()
    for customer in found.customers[:10]:
        first = ids(found, customer)[0]
        listed = items(found, after(customer, Did("cart", first)))
        assert first not in [item.product_id for item in listed]
        name = found.catalogue.names[found.catalogue.index[first]]
        reasons |= {item.reason.replace(name, "It") for item in listed if item.source == "seen_lately"}
        taken_out = after(customer, Did("cart", first), Did("remove_from_cart", first, NOW))
        assert items(found, taken_out) == items(found, customer)
    assert reasons <= {
        "Often bought with It, which you put in your cart today",
        "Similar to It, which you put in your cart today",
    }
    assert reasons


@pytest.mark.parametrize("found", [*SHOPS, BASELINE])
def test_a_product_rated_low_is_kept_away_and_comes_last_where_the_request_names_it(found: Shop) -> None:
    for customer in (*found.customers[:10], Customer.empty()):
        first = ids(found, customer)[0]
        away = after(customer, Did("rating", first, rating=0.0))
        assert first not in ids(found, away)
        assert len(ids(found, away)) == K
        named = found.catalogue.product_ids[:20]
        assert ids(found, after(customer, Did("rating", named[3], rating=0.0)), "all", named)[-1] == named[3]


def test_a_visitor_without_purchases_gets_what_is_like_the_viewed_product() -> None:
    found = SHOPS[0]
    product_id = found.catalogue.product_ids[found.catalogue.by_popularity[-1]]
    answer = found.recommender.recommend(
        after(Customer.empty(), Did("view", product_id)), RecommendationRequest("all", K)
    )
    assert answer.fallback == "empty_history"
    assert product_id in [item.product_id for item in answer.items]
    assert ids(found, Customer.empty()) != [item.product_id for item in answer.items]


def test_products_and_types_that_are_not_there_change_nothing() -> None:
    found = SHOPS[0]
    customer = found.customers[0]
    gone = (Did("view", "unheard of"), Did("cart", "gone"), Did("rating", "nowhere", rating=0.0))
    assert items(found, after(customer, *gone)) == items(found, customer)


@pytest.mark.parametrize("number", range(4))
def test_without_the_event_that_a_reason_names_the_item_falls_or_has_another_reason(number: int) -> None:
    found, checked = SHOPS[number], 0
    recommender, names = found.recommender, found.catalogue.product_ids
    for customer in found.customers[:15]:
        events = [Did("view", last(found, customer)), Did("cart", names[7]), Did("click", names[11])]
        before = items(found, after(customer, *events), "explore")
        [(batch, _, _)] = recommender.score([after(customer, *events)])
        why = Explainer(found.catalogue, batch)
        for rank, item in enumerate(before):
            if item.source != "seen_lately":
                continue
            checked += 1
            [cited] = why.explain(found.catalogue.index[item.product_id], "seen_lately").evidence
            rest = [each for each in events if each.product_id != names[cited]]
            assert len(rest) < len(events)
            then = items(found, after(customer, *rest), "explore")
            ranks = {each.product_id: n for n, each in enumerate(then)}
            reason = next((each.reason for each in then if each.product_id == item.product_id), None)
            assert ranks.get(item.product_id, K) > rank or reason != item.reason
    assert checked > 10


def test_interest_joins_the_history_that_the_query_tower_reads() -> None:
    """The customer never bought the product: the vector turns towards the product, more for a cart than for a click."""
    found = SHOPS[0]
    customer = found.customers[0]
    position = found.catalogue.index[last(found, customer)]
    product_id = found.catalogue.product_ids[position]

    def cosine(*events: Did) -> float:
        [(batch, _)] = found.recommender.retriever.candidates([after(customer, *events)])
        return float(batch.vectors[0] @ found.catalogue.vectors[position])

    assert cosine() < cosine(Did("click", product_id)) < cosine(Did("cart", product_id))
