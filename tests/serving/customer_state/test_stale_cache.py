"""The stale cache stands in while the online store does not answer."""

from serving.config import ServiceConfig
from serving.customer_state.feature_client import FeatureResult
from serving.customer_state.stale_cache import StaleFeatureCache

FEATURES = {"customer_profile__products": 3.0}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def remembered(most: int = 2, seconds: float = 60.0) -> tuple[StaleFeatureCache, Clock]:
    clock = Clock()
    return StaleFeatureCache(ServiceConfig(stale_cache_size=most, stale_cache_ttl_s=seconds), clock), clock


def test_a_customer_asked_about_before_is_remembered_while_the_store_fails_or_has_lost_them() -> None:
    customers, _ = remembered()
    customers.fill("a", FeatureResult("found", FEATURES))

    for outcome in ("timeout", "error", "circuit_open", "unknown"):
        assert customers.fill("a", FeatureResult(outcome)) == FeatureResult(outcome, FEATURES, from_cache=True)
    assert customers.fill("b", FeatureResult("timeout")) == FeatureResult("timeout")


def test_what_the_store_says_now_counts() -> None:
    customers, _ = remembered()
    customers.fill("a", FeatureResult("found", FEATURES))
    newer = {"customer_profile__products": 4.0}

    assert customers.fill("a", FeatureResult("found", newer)) == FeatureResult("found", newer)
    assert customers.fill("a", FeatureResult("error")).features == newer


def test_a_customer_is_forgotten_after_a_while() -> None:
    customers, clock = remembered(seconds=60.0)
    customers.fill("a", FeatureResult("found", FEATURES))
    clock.now = 61.0

    assert customers.fill("a", FeatureResult("unknown")) == FeatureResult("unknown")


def test_only_the_customers_asked_about_last_are_remembered() -> None:
    customers, _ = remembered(most=2)
    for customer_id in ("a", "b", "a", "c"):
        customers.fill(customer_id, FeatureResult("found", FEATURES))

    known = [name for name in "abc" if customers.fill(name, FeatureResult("error")).from_cache]
    assert known == ["a", "c"]
