"""Compute a customer's state at request time, from stored features and the events since."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from core.clock import utc_now
from events.records import Purchase
from scoring.bundle import Bundle
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.customer.realtime import apply_purchases, unmaterialized
from scoring.customer.recent_interest import NO_INTEREST, RecentInterest, last_purchases, recent_interest
from scoring.fallback import FeatureState
from scoring.request import RecommendationRequest
from serving.customer_state.feature_client import FeatureResult
from serving.metrics import Metrics

EVENT_TIMESTAMP = "event_timestamp"
"""Key, in a row of features, of the instant (UTC) up to which the features count events."""

HELD = "held"
"""Key, in a row of features, of the identifiers of purchases that the features count (core/held.py)."""


def feature_state(result: FeatureResult, as_of: date, max_age_days: int) -> FeatureState:
    """Return whether a result's features are current.

    They are stale if they are older than `as_of` by more than `max_age_days`, because Feast does not enforce a TTL on
    online reads. Features without a timestamp count as current.
    """
    if result.from_cache:
        return "cached"
    if result.features is not None:
        timestamp = result.features.get(EVENT_TIMESTAMP)
        stale = isinstance(timestamp, datetime) and timestamp.date() < as_of - timedelta(days=max_age_days)
        return "stale" if stale else "current"
    # Without an answer of the store, the customer may exist or not.
    return "current" if result.outcome == "unknown" else "unavailable"


def customer_at_request_time(
    result: FeatureResult, bundle: Bundle, request: RecommendationRequest, metrics: Metrics
) -> Customer | None:
    """Return the customer at the request's time, or None if there are neither features nor events.

    Without a time, the features are not advanced: purchases since then, and products in the basket, count as made just
    now.
    """
    catalogue = bundle.recommender.catalogue
    features = result.features
    customer = None if features is None else Customer.from_features(features)
    features_as_of = None if features is None else features.get(EVENT_TIMESTAMP)
    if not isinstance(features_as_of, datetime):
        features_as_of = datetime.combine(bundle.as_of, time.min)
    # Without features no purchase is counted in them, whenever it was made.
    purchases: Sequence[Purchase] = result.purchases
    if features is not None:
        purchases = unmaterialized(result.purchases, features_as_of, features.get(HELD))
    scored = [purchase for purchase in purchases if purchase.product_id in catalogue.index]
    if len(scored) < len(purchases):
        metrics.unknown_purchases.inc(len(purchases) - len(scored))
    now = request.time or utc_now()
    basket = [product_id for product_id in request.basket if product_id in catalogue.index]
    scored += [Purchase(f"basket {product_id}", product_id, now, now, 1.0, None) for product_id in basket]
    recent = _interest(result, customer, features_as_of, now) if result.interactions else NO_INTEREST
    if customer is None and not scored and recent.is_empty:
        return None
    changed = apply_purchases(
        customer or Customer.empty(), features_as_of, scored, request.time, lambda name: _price(catalogue, name)
    )
    return changed if recent.is_empty else replace(changed, recent=recent)


def _interest(
    result: FeatureResult, customer: Customer | None, features_as_of: datetime, now: datetime
) -> RecentInterest:
    """Return what the customer's interactions change now; a purchase since settles an earlier interest."""
    wanted = {each.product_id for each in result.interactions}
    bought_at = {}
    if customer is not None:
        days = customer.history["days_since_last"].tolist()
        bought_at = last_purchases(customer.product_ids, days, features_as_of, wanted)
    for purchase in result.purchases:
        known = bought_at.get(purchase.product_id, datetime.min)
        bought_at[purchase.product_id] = max(known, purchase.occurred_at)
    return recent_interest(result.interactions, bought_at, now)


def _price(catalogue: Catalogue, product_id: str) -> float:
    return float(catalogue.column("price")[catalogue.index[product_id]])
