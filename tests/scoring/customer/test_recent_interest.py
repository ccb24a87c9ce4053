"""The effect of views, carts and ratings is a function of the set of events, worked out by hand."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import NamedTuple

import pytest

from core.event_types import EventTypes
from scoring.customer.recent_interest import NO_INTEREST, RecentInterest, last_purchases, recent_interest

NOW = datetime(2018, 1, 2, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

TYPES = EventTypes.model_validate(
    {
        "recent": {"products": 3, "rank_discount": 0.5, "boost": 1.0, "low": 0.3, "high": 0.7},
        "types": {
            "purchase": {"description": "bought"},
            "view": {
                "description": "looked",
                "verb": "viewed",
                "days": 2,
                "half_life_hours": 24,
                "history": 0.2,
                "itself": 0.8,
                "similar": 0.4,
            },
            "cart": {"description": "put in", "verb": "put in", "cart": "adds", "together": 0.6, "half_life_hours": 24},
            "remove_from_cart": {"description": "took out", "cart": "removes"},
            "rating": {"description": "rated", "rating": True, "verb": "rated", "similar": 0.5, "days": 365},
        },
    }
)


class Did(NamedTuple):
    event_type: str
    product_id: str
    occurred_at: datetime
    rating: float | None = None


def interest(*events: Did, bought_at: dict[str, datetime] | None = None) -> RecentInterest:
    return recent_interest(events, bought_at or {}, NOW, TYPES)


def ago(event_type: str, product_id: str, time: timedelta, rating: float | None = None) -> Did:
    return Did(event_type, product_id, NOW - time, rating)


def test_nothing_done_changes_nothing() -> None:
    assert interest() is NO_INTEREST


def test_a_view_weighs_half_after_a_day_and_half_again_behind_a_newer_product() -> None:
    newest, older = interest(ago("view", "a", DAY), ago("view", "b", HOUR * 0)).seen
    assert (newest.product_id, newest.itself, newest.similar, newest.history) == ("b", 0.8, 0.4, 0.2)
    # half for the day, half for the rank
    assert (older.product_id, older.itself, older.age_days) == ("a", pytest.approx(0.2), 1.0)


def test_a_view_counts_for_the_days_of_its_type_and_one_from_tomorrow_counts_as_of_now() -> None:
    assert interest(ago("view", "a", 2 * DAY)) is NO_INTEREST
    assert interest(ago("view", "a", -3 * HOUR)).seen[0].itself == 0.8


def test_a_purchase_since_settles_a_view_and_a_cart() -> None:
    seen = (ago("view", "a", HOUR), ago("cart", "b", HOUR))
    assert interest(*seen, bought_at={"a": NOW, "b": NOW}) == NO_INTEREST
    before = interest(*seen, bought_at={"a": NOW - 2 * HOUR, "b": NOW - 2 * HOUR})
    assert {each.product_id for each in before.seen} == {"a", "b"}
    assert before.in_cart == {"b"}


@pytest.mark.parametrize(
    ("put_in", "taken_out", "lies_there"),
    [(3, 2, False), (2, 3, True), (2, 2, False)],  # hours ago; at the same second it was put in first
)
def test_the_later_of_cart_and_removal_counts(put_in: int, taken_out: int, lies_there: bool) -> None:
    events = (ago("cart", "a", put_in * HOUR), ago("remove_from_cart", "a", taken_out * HOUR))
    for order in permutations(events):
        assert interest(*order).in_cart == ({"a"} if lies_there else frozenset())
        assert bool(interest(*order).seen) is lies_there


def test_a_removal_without_a_cart_changes_nothing() -> None:
    assert interest(ago("remove_from_cart", "a", HOUR)) == NO_INTEREST


@pytest.mark.parametrize(
    ("share", "disliked", "liked"), [(0.0, 1, 0), (0.3, 1, 0), (0.5, 0, 0), (0.7, 0, 1), (1.0, 0, 1)]
)
def test_a_low_rating_keeps_away_and_a_high_one_is_an_interest(share: float, disliked: int, liked: int) -> None:
    found = interest(ago("rating", "a", 100 * DAY, share))
    assert (len(found.disliked), len(found.seen)) == (disliked, liked)


def test_a_disliked_product_is_of_no_interest_however_often_it_was_viewed() -> None:
    found = interest(ago("rating", "a", DAY, 0.0), ago("view", "a", HOUR), bought_at={"a": NOW})
    assert (found.seen, found.disliked) == ((), {"a"})


def test_order_and_repetition_make_no_difference() -> None:
    events = [ago("view", "a", HOUR), ago("cart", "b", HOUR), ago("rating", "c", HOUR, 0.9), ago("view", "a", DAY)]
    expected = interest(*events)
    assert all(interest(*order, *order) == expected for order in permutations(events))


def test_a_type_that_the_file_no_longer_names_changes_nothing() -> None:
    assert interest(ago("wishlist", "a", HOUR)) == NO_INTEREST


def test_a_receipt_stands_for_its_whole_day() -> None:
    midnight = datetime(2018, 1, 2, 5)
    days = {"this_day": 0.2, "start_of_this_day": 1.0, "day_before": 1.5, "unasked": 3.0}
    found = last_purchases(list(days), list(days.values()), midnight, {"this_day", "start_of_this_day", "day_before"})
    assert found == {"this_day": midnight, "start_of_this_day": midnight, "day_before": midnight - DAY}
