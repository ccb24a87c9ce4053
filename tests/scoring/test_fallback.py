"""The reason for a fallback: the state of the features first, then the customer, then the baseline."""

import pytest

from scoring.customer.customer import Customer
from scoring.fallback import Fallback, FeatureState, fallback_reason
from tests.support.serving.small_bundle import buyer_features

BUYER = Customer.from_features(buyer_features("p3"))


@pytest.mark.parametrize(
    ("customer", "features", "uses_baseline", "reason"),
    [
        (BUYER, "current", False, None),
        (BUYER, "current", True, "baseline"),
        (Customer.empty(), "current", True, "empty_history"),
        (None, "current", False, "unknown_customer"),
        (None, "unavailable", False, "features_unavailable"),
        (BUYER, "unavailable", True, "features_unavailable"),
        (BUYER, "stale", True, "stale_features"),
        (BUYER, "cached", True, "cached_features"),
    ],
)
def test_the_first_reason_that_applies_is_given(
    customer: Customer | None, features: FeatureState, uses_baseline: bool, reason: Fallback | None
) -> None:
    assert fallback_reason(customer, features, uses_baseline) == reason
