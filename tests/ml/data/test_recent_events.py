"""Batch lists read the same recent interest from landed events as the service does from its event log."""

import random
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from core.held import Held
from events.factory import open_event_log
from events.records import Event
from landing.feedback.collector import collect
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from ml.data.recent_events import with_recent_interest
from scoring.customer.customer import Customer
from scoring.customer.recent_interest import RecentInterest
from scoring.request import RecommendationRequest
from serving.customer_state.feature_client import FeatureResult
from serving.customer_state.realtime import customer_at_request_time
from settings import Settings
from tests.support.landing.shop import ANY_DAY
from tests.support.serving.small_bundle import buyer_features, small_catalogue

AS_OF = datetime(2018, 1, 1, 5)
CUSTOMERS = [f"c{n}" for n in range(6)]
FEATURES = buyer_features("p3", "p5") | {
    "event_timestamp": AS_OF,
    "held": Held(AS_OF, AS_OF, AS_OF),
    "customer_history__days_since_last": [2.5, 30.0],
}


def some_events(seed: int) -> list[Event]:
    """Events of the ten days before `AS_OF`, in a random order of arrival."""
    chance, found = random.Random(seed), []
    for n in range(150):
        event_type = chance.choice(["view", "click", "cart", "remove_from_cart", "rating", "search", "impression"])
        fields: dict[str, Any] = {"product_id": f"p{chance.randrange(12)}"}
        if event_type == "rating":
            fields |= {"rating": chance.randint(1, 5), "rating_min": 1, "rating_max": 5}
        if event_type == "search":
            fields["query"] = "snacks"
        occurred_at = (AS_OF - timedelta(minutes=chance.randrange(1, 60 * 24 * 10))).isoformat() + "Z"
        given = {"event_id": f"e{n}", "customer_id": chance.choice(CUSTOMERS), "event_type": event_type}
        found.append(Event.model_validate(given | {"occurred_at": occurred_at} | fields))
    return found


def online(settings: Settings) -> Mapping[str, RecentInterest]:
    bundle: Any = SimpleNamespace(recommender=SimpleNamespace(catalogue=small_catalogue()), as_of=AS_OF.date())
    metrics: Any = SimpleNamespace(unknown_purchases=SimpleNamespace(inc=lambda _: None))
    found = {}
    with closing(open_event_log(settings)) as event_log:
        for name in CUSTOMERS:
            result = FeatureResult("found", FEATURES, "read", *event_log.of_customer(name))
            customer = customer_at_request_time(result, bundle, RecommendationRequest(time=AS_OF), metrics)
            assert customer is not None
            found[name] = customer.recent
    return found


def test_online_and_batch_agree(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with closing(open_event_log(settings)) as event_log:
        event_log.append(some_events(7)).result()
        collect(tmp_path / "feedback", event_log)
    land_feedback(tmp_path / "feedback", None, ANY_DAY, Findings())
    expected = online(settings)
    customers = [Customer.from_features(FEATURES) for _ in CUSTOMERS]
    found = with_recent_interest(CUSTOMERS, customers, tmp_path / "feedback" / "landed" / "events.parquet", AS_OF)
    assert {name: customer.recent for name, customer in zip(CUSTOMERS, found, strict=True)} == expected
    assert all(recent.seen for recent in expected.values())
    assert any(recent.in_cart for recent in expected.values())
    assert any(recent.disliked for recent in expected.values())


def test_without_events_customers_are_unchanged(tmp_path: Path) -> None:
    customers = [Customer.empty()]
    assert with_recent_interest(["c"], customers, tmp_path / "none.parquet", AS_OF)[0] is customers[0]
