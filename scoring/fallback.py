"""Decide why a list is not the model's, or is made from older features."""

from typing import Literal

from scoring.customer.customer import Customer

FeatureState = Literal["current", "cached", "stale", "unavailable"]
"""State of a customer's features. `current` includes a customer who is not in the online store; `unavailable`: the
store did not answer, and no features are cached."""

MissingHistory = Literal["unknown_customer", "empty_history", "features_unavailable"]
Fallback = Literal[MissingHistory, "cached_features", "stale_features", "baseline", "holdout"]
"""`holdout`: the list is empty, because an experiment of the service recommends nothing to the customer."""


def fallback_reason(customer: Customer | None, features: FeatureState, uses_baseline: bool) -> Fallback | None:
    """Return the reason for a fallback, or None for a list of the model from current features.

    Args:
        customer: The customer; None if nothing is known about the customer.
        features: The state of the customer's features. Where they are not current, this is the reason.
        uses_baseline: Whether the customer's lists come from the baseline instead of the model.
    """
    if features == "cached":
        return "cached_features"
    if features == "stale":
        return "stale_features"
    return missing_history(customer, features) or ("baseline" if uses_baseline else None)


def missing_history(customer: Customer | None, features: FeatureState) -> MissingHistory | None:
    """Return why nothing or only recent purchases are known of a customer, or None."""
    if features == "unavailable":
        return "features_unavailable"
    if customer is None:
        return "unknown_customer"
    return "empty_history" if customer.is_new else None
