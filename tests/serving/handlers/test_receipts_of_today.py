"""Receipts of today have landed, so the features are tomorrow's: what is bought since is in the next answer, once."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from core.held import Held
from events.records import Purchase
from serving.api.schemas import Context
from serving.customer_state.feature_client import FeatureResult
from serving.customer_state.realtime import customer_at_request_time
from tests.support.serving.small_bundle import buyer_features, small_catalogue

TOMORROW = datetime(2018, 1, 2)
NOON = TOMORROW - timedelta(hours=12)


def _bought(product_id: str, occurred_at: datetime, received_at: datetime) -> Purchase:
    return Purchase(f"{product_id} {occurred_at}", product_id, occurred_at, received_at, 1.0, 1.0)


def _baskets(held: Held, *purchases: Purchase) -> dict[str, float]:
    """Baskets of each product in the customer's history, as the models are asked about it."""
    features = buyer_features("p3", "p5") | {"event_timestamp": TOMORROW, "held": held}
    recommender = SimpleNamespace(catalogue=small_catalogue())
    bundle: Any = SimpleNamespace(recommender=recommender, as_of=TOMORROW.date())
    metrics: Any = SimpleNamespace(unknown_purchases=SimpleNamespace(inc=lambda _: None))
    customer = customer_at_request_time(FeatureResult("found", features, "read", purchases), bundle, Context(), metrics)
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
