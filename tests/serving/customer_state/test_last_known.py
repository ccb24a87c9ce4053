"""What stands in while the online store says nothing."""

from serving.config import Limits
from serving.customer_state.feature_client import Read
from serving.customer_state.last_known import RememberedCustomers

FEATURES = {"customer_profile__products": 3.0}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def remembered(most: int = 2, seconds: float = 60.0) -> tuple[RememberedCustomers, Clock]:
    clock = Clock()
    return RememberedCustomers(Limits(remembered_customers=most, remembered_seconds=seconds), clock), clock


def test_a_customer_asked_about_before_is_remembered_while_the_store_fails_or_has_lost_them() -> None:
    customers, _ = remembered()
    customers.completed("a", Read("found", FEATURES))

    for outcome in ("timeout", "error", "refused", "unknown"):
        assert customers.completed("a", Read(outcome)) == Read(outcome, FEATURES, is_remembered=True)
    assert customers.completed("b", Read("timeout")) == Read("timeout")


def test_what_the_store_says_now_counts() -> None:
    customers, _ = remembered()
    customers.completed("a", Read("found", FEATURES))
    newer = {"customer_profile__products": 4.0}

    assert customers.completed("a", Read("found", newer)) == Read("found", newer)
    assert customers.completed("a", Read("error")).features == newer


def test_a_customer_is_forgotten_after_a_while() -> None:
    customers, clock = remembered(seconds=60.0)
    customers.completed("a", Read("found", FEATURES))
    clock.now = 61.0

    assert customers.completed("a", Read("unknown")) == Read("unknown")


def test_only_the_customers_asked_about_last_are_remembered() -> None:
    customers, _ = remembered(most=2)
    for customer_id in ("a", "b", "a", "c"):
        customers.completed(customer_id, Read("found", FEATURES))

    known = [name for name in "abc" if customers.completed(name, Read("error")).is_remembered]
    assert known == ["a", "c"]
