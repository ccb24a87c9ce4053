"""Customers of a group with a fallback get the baseline's list, and the response contains the fallback."""

import json
from pathlib import Path

import pytest

from core.files.bundle import MANIFEST
from scoring.bundle import Bundle
from scoring.customer.customer import Customer
from scoring.recommender import Recommender
from scoring.request import RecommendationRequest
from scoring.reranking.group_fallback import GroupFallback
from tests.support.serving.small_bundle import buyer_features, write_bundle

NEWCOMERS = {"slate": "all", "group": "baskets", "value": "1-10", "reason": "the model was worse"}


def opened(folder: Path, fallbacks: list | None) -> Recommender:
    """The small bundle with these fallbacks in its manifest; None is a manifest from before there were any."""
    path = write_bundle(folder / "bundle", "v1") / MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest if fallbacks is None else manifest | {"fallbacks": fallbacks}))
    return Bundle.open(path.parent).recommender


def newcomer(baskets: float = 3.0) -> Customer:
    # p9 was bought a little and p0 is on everybody's list: the model puts p9 first, the rule puts p0 first
    features = buyer_features("p9") | {"customer_history__decayed_120d": [0.5], "customer_profile__baskets": baskets}
    return Customer.from_features(features)


def test_a_routed_customer_gets_the_rules_list_and_the_answer_says_so(tmp_path: Path):
    recommender = opened(tmp_path, [NEWCOMERS])
    answer = recommender.recommend(newcomer(), RecommendationRequest("all", 4))
    # popularity as a share of p0's plus the decayed purchases: p0 1, p1 .92, p2 .83, p9 .25 + .5 = .75, p3 .75 …
    assert [item.product_id for item in answer.items][:3] == ["p0", "p1", "p2"]
    assert "p9" in [
        item.product_id for item in recommender.recommend(newcomer(), RecommendationRequest("all", 5)).items
    ]
    assert answer.fallback == "baseline"
    assert {item.source for item in answer.items[:3]} == {"popular"}


@pytest.mark.parametrize(("slate", "baskets"), [("explore", 3.0), ("all", 11.0)])
def test_other_slates_and_customers_are_left_to_the_model(tmp_path: Path, slate, baskets: float):
    routed, free = opened(tmp_path / "a", [NEWCOMERS]), opened(tmp_path / "b", None)
    mine = routed.recommend(newcomer(baskets), RecommendationRequest(slate, 6))
    assert mine == free.recommend(newcomer(baskets), RecommendationRequest(slate, 6))
    assert mine.fallback is None


def test_a_bundle_from_before_there_were_routes_serves_the_model(tmp_path: Path):
    answer = opened(tmp_path, None).recommend(newcomer(), RecommendationRequest("all", 3))
    assert (answer.items[0].product_id, answer.fallback) == ("p9" if 10 * 0.5 + 3 > 12 else "p0", None)


def test_a_routed_block_is_what_single_requests_get(tmp_path: Path):
    recommender = opened(tmp_path, [NEWCOMERS])
    [(_, together)] = recommender.rank_batch([newcomer(), newcomer(30.0)], "all", 6)
    for customer, ranked in zip([newcomer(), newcomer(30.0)], together, strict=True):
        alone = [item.product_id for item in recommender.recommend(customer, RecommendationRequest("all", 6)).items]
        assert [recommender.catalogue.product_ids[i] for i in ranked.positions] == alone


def test_demographics_route_by_what_is_known():
    fallback = GroupFallback(slate="explore", group="demographics", value="unknown", reason="")
    known = Customer.from_features(buyer_features("p0") | {"customer_profile__age_band": "35-44"})
    assert fallback.applies_to(newcomer(), "explore")
    assert not fallback.applies_to(known, "explore")
