"""A customer as of this moment: the features from the online store and what was bought since."""

from collections.abc import Sequence
from datetime import datetime, time

from core.clock import utc_now
from events.records import Purchase
from scoring.bundle import Bundle
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.customer.realtime import apply_purchases, unmaterialized
from serving.api.schemas import Context
from serving.customer_state.feature_client import FeatureResult
from serving.customer_state.freshness import EVENT_TIMESTAMP
from serving.metrics import Metrics

HELD = "held"
"""Which purchases are in the features (core/held.py); the reader puts it next to them."""


def customer_at_request_time(
    read: FeatureResult, bundle: Bundle, context: Context, metrics: Metrics
) -> Customer | None:
    """The customer of a read, at the moment the request speaks of; None if nothing is known.

    Without a time the clock stands still at the instant of the features, and what was bought since counts as bought
    just now, as does what lies in the basket.
    """
    catalogue = bundle.recommender.catalogue
    features = read.features
    customer = None if features is None else Customer.from_features(features)
    known_at = None if features is None else features.get(EVENT_TIMESTAMP)
    if not isinstance(known_at, datetime):
        known_at = datetime.combine(bundle.as_of, time.min)
    # Of a customer without features nothing is contained anywhere, whenever it was bought.
    left: Sequence[Purchase] = read.purchases
    if features is not None:
        left = unmaterialized(read.purchases, known_at, features.get(HELD))
    scored = [purchase for purchase in left if purchase.product_id in catalogue.index]
    if len(scored) < len(left):
        metrics.unknown_purchases.inc(len(left) - len(scored))
    at = None if context.time is None else context.time.replace(tzinfo=None)
    now = at or utc_now()
    basket = [name for name in dict.fromkeys(context.basket) if name in catalogue.index]
    scored += [Purchase(f"basket {name}", name, now, now, 1.0, None) for name in basket]
    if customer is None and not scored:
        return None
    return apply_purchases(customer or Customer.empty(), known_at, scored, at, lambda name: _price(catalogue, name))


def _price(catalogue: Catalogue, product_id: str) -> float:
    return float(catalogue.column("price")[catalogue.index[product_id]])
