"""Features older than the bundle allows are reported as stale; recent purchases are counted once."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from core.held import Held
from events.records import Purchase
from scoring.request import RecommendationRequest
from serving.customer_state.feature_client import FeatureResult
from serving.customer_state.realtime import customer_at_request_time, feature_state
from tests.support.serving.small_bundle import buyer_features, small_catalogue

AS_OF = date(2018, 1, 1)
TOMORROW = datetime(2018, 1, 2)
NOON = TOMORROW - timedelta(hours=12)
"""Receipts of today have landed, so the features are tomorrow's: what is bought since is in the next answer, once."""


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (datetime(2017, 12, 24, 5), "stale"),  # 8 days before
        (datetime(2017, 12, 25, 5), "current"),  # 7 days before: allowed
        (datetime(2018, 1, 1, 5), "current"),
        (datetime(2018, 2, 1, 5), "current"),  # newer than the bundle, as usual between two trainings
    ],
)
def test_only_features_older_than_the_bundle_by_more_than_the_limit_are_stale(
    timestamp: datetime, expected: str
) -> None:
    assert feature_state(FeatureResult("found", {"event_timestamp": timestamp}), AS_OF, 7) == expected


def test_features_without_a_timestamp_are_not_stale() -> None:
    features: dict[str, Any] = {"customer_profile__baskets": 1.0}

    assert feature_state(FeatureResult("found", features), AS_OF, 7) == "current"


@pytest.mark.parametrize("outcome", ["unknown", "timeout", "circuit_open"])
def test_cached_features_are_reported_as_such_whatever_their_age(
    outcome: Literal["unknown", "timeout", "circuit_open"],
) -> None:
    old = {"event_timestamp": datetime(2010, 1, 1)}

    assert feature_state(FeatureResult(outcome, old, from_cache=True), AS_OF, 7) == "cached"


@pytest.mark.parametrize("outcome", ["timeout", "error", "circuit_open"])
def test_a_customer_is_not_called_unknown_while_the_store_does_not_answer(
    outcome: Literal["timeout", "error", "circuit_open"],
) -> None:
    assert feature_state(FeatureResult(outcome), AS_OF, 7) == "unavailable"
    assert feature_state(FeatureResult("unknown"), AS_OF, 7) == "current"


def _bought(product_id: str, occurred_at: datetime, received_at: datetime) -> Purchase:
    return Purchase(f"{product_id} {occurred_at}", product_id, occurred_at, received_at, 1.0, 1.0)


def _baskets(held: Held, *purchases: Purchase) -> dict[str, float]:
    """Baskets of each product in the customer's history, as the models are asked about it."""
    features = buyer_features("p3", "p5") | {"event_timestamp": TOMORROW, "held": held}
    recommender = SimpleNamespace(catalogue=small_catalogue())
    bundle: Any = SimpleNamespace(recommender=recommender, as_of=TOMORROW.date())
    metrics: Any = SimpleNamespace(unknown_purchases=SimpleNamespace(inc=lambda _: None))
    customer = customer_at_request_time(
        FeatureResult("found", features, "read", purchases), bundle, RecommendationRequest(), metrics
    )
    assert customer is not None
    return dict(zip(customer.product_ids, customer.history["baskets"].tolist(), strict=True))


def test_a_purchase_told_after_the_run_is_in_the_next_answer() -> None:
    held = Held(receipts_until=NOON, events_from=TOMORROW, collected_at=NOON)
    afternoon = NOON + timedelta(hours=3)
    before = _baskets(held)
    assert "p9" not in before
    assert _baskets(held, _bought("p9", afternoon, afternoon)) == before | {"p9": 1.0}


def test_a_purchase_whose_receipt_has_landed_counts_once() -> None:
    morning = NOON - timedelta(hours=3)
    late_event = _bought("p3", morning, NOON + timedelta(hours=3))
    held = Held(receipts_until=NOON, events_from=TOMORROW, collected_at=NOON)
    assert _baskets(held, late_event) == _baskets(held)
    whole = Held(receipts_until=TOMORROW, events_from=TOMORROW, collected_at=NOON)
    afternoon = NOON + timedelta(hours=3)
    assert _baskets(whole, _bought("p9", afternoon, afternoon)) == _baskets(whole)
