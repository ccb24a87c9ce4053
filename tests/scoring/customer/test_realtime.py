"""The live state by hand, and that it is a function of the set of purchases."""

import math
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import pytest

from core.held import Held
from scoring.customer.customer import Customer
from scoring.customer.realtime import apply_purchases, unmaterialized
from scoring.schema import HISTORY, PROFILE

MIDNIGHT = datetime(2018, 1, 1, 5)  # in New York
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Purchase(NamedTuple):
    event_id: str
    product_id: str
    occurred_at: datetime
    received_at: datetime = MIDNIGHT + 30 * DAY
    quantity: float = 1.0
    price: float | None = None


def buys(product_id: str, after: timedelta = HOUR, **fields: Any) -> Purchase:
    """Return a purchase this long after the features' midnight."""
    return Purchase(f"{product_id} {after}", product_id, MIDNIGHT + after, **fields)


def regular() -> Customer:
    """Milk 20, 10 and 4 days ago at 2.50, bread with the first: three baskets. Other features than these are 0."""
    decayed = {scale: [sum(math.exp(-age / scale) for age in (20, 10, 4)), math.exp(-20 / scale)] for scale in _SCALES}
    values = {
        "baskets": [3, 1],
        "days_since_last": [4, 20],
        "days_since_first": [20, 20],
        "gap_mean_days": [8, 0],
        "gap_std_days": [2, 0],  # gaps of 10 and 6 days
        **{f"decayed_{scale}d": decayed[scale] for scale in _SCALES},
        "baskets_2w": [2, 0],
        "baskets_4w": [3, 1],
        "baskets_8w": [3, 1],
        "baskets_13w": [3, 1],
        "last_20_baskets": [3, 1],
        "periods_4w": [1, 1],
        "quantity": [6, 1],
        "spend": [15.0, 3.0],
    }
    profile = dict.fromkeys(PROFILE, 0.0) | {
        "baskets": 3.0,
        "baskets_4w": 3.0,
        "baskets_13w": 3.0,
        "days_since_last_basket": 4.0,
        "days_since_first_basket": 20.0,
        "gap_mean_days": 8.0,
        "spend_4w": 18.0,
        "spend_13w": 18.0,
        "products": 2.0,
        "basket_size_mean": 4 / 3,
        "new_product_share_8w": 0.5,
        "discount_share": 0.1,
        "coupon_redemptions": 1.0,
        "campaigns_received": 2.0,
    }
    history = {name: np.array(values.get(name, [0, 0]), np.float32) for name in HISTORY}
    return Customer(["milk", "bread"], history, profile, {"store_id": "7"})


_SCALES = (20, 60, 120, 240)


def of(customer: Customer, product_id: str) -> dict[str, float]:
    place = list(customer.product_ids).index(product_id)
    return {name: float(customer.history[name][place]) for name in HISTORY}


def test_without_purchases_and_without_a_clock_nothing_changes() -> None:
    customer = regular()
    assert apply_purchases(customer, MIDNIGHT, []) is customer


def test_a_purchase_counts_at_once() -> None:
    state = apply_purchases(regular(), MIDNIGHT, [buys("milk", quantity=2.0, price=2.0)])
    expected = {
        "baskets": 4,
        "days_since_last": 0,
        "days_since_first": 20,
        "gap_mean_days": 20 / 3,
        "gap_std_days": math.sqrt((100 + 36 + 16) / 3 - (20 / 3) ** 2),
        "decayed_20d": 1 + sum(math.exp(-age / 20) for age in (20, 10, 4)),
        "baskets_2w": 3,
        "baskets_13w": 4,
        "last_20_baskets": 4,
        "periods_4w": 1,
        "quantity": 8,
        "spend": 19,
    }
    milk = of(state, "milk")
    assert {name: milk[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert of(state, "bread") == of(regular(), "bread")
    assert state.traits == regular().traits


def test_the_profile_follows() -> None:
    state = apply_purchases(regular(), MIDNIGHT, [buys("milk", price=2.0), buys("soap", 2 * HOUR, price=5.0)])
    expected = {
        "baskets": 4,  # what is bought on one day is one basket
        "baskets_4w": 4,
        "baskets_13w": 4,
        "days_since_last_basket": 0,
        "days_since_first_basket": 20,
        "gap_mean_days": 20 / 3,
        "spend_4w": 25,
        "spend_13w": 25,
        "products": 3,
        "basket_size_mean": 6 / 4,
        "new_product_share_8w": 3 / 6,
        "discount_share": 0.1,
        "coupon_redemptions": 1,
        "campaigns_received": 2,
    }
    assert {name: state.profile[name] for name in expected} == pytest.approx(expected)
    assert set(state.profile) == set(PROFILE)


def test_the_clock_ages_everything() -> None:
    state = apply_purchases(regular(), MIDNIGHT, [buys("milk", 36 * HOUR)], at=MIDNIGHT + 12 * DAY)
    milk, bread = of(state, "milk"), of(state, "bread")
    # milk was bought 32, 22, 16 and 10.5 days ago
    assert milk["days_since_last"] == pytest.approx(10.5)
    assert milk["decayed_60d"] == pytest.approx(sum(math.exp(-age / 60) for age in (32, 22, 16, 10.5)), rel=1e-5)
    assert (milk["baskets_2w"], milk["baskets_4w"], milk["baskets_8w"]) == (1, 3, 4)
    assert (bread["days_since_last"], bread["baskets_4w"], bread["baskets_8w"]) == (32, 0, 1)
    assert state.profile["days_since_first_basket"] == 32


def test_a_clock_behind_the_features_stands_still() -> None:
    customer = regular()
    assert apply_purchases(customer, MIDNIGHT, [], at=MIDNIGHT - DAY) is customer


def test_an_unknown_customer_with_a_purchase_is_somebody() -> None:
    state = apply_purchases(Customer.empty(), MIDNIGHT, [buys("soap"), buys("milk", 26 * HOUR, price=2.5)])
    assert not state.is_new
    assert sorted(state.product_ids) == ["milk", "soap"]
    assert of(state, "soap")["baskets_2w"] == 1
    assert (state.profile["baskets"], state.profile["products"], state.profile["spend_4w"]) == (2, 2, 2.5)


def test_the_state_depends_on_the_set_of_purchases_only() -> None:
    purchases = [buys("milk"), buys("soap", 2 * HOUR), buys("soap", 50 * HOUR), buys("bread", -3 * DAY), buys("milk")]
    states = []
    for order in permutations(purchases):
        left = unmaterialized([*order, order[0]], MIDNIGHT, arrived_before(MIDNIGHT))
        state = apply_purchases(regular(), MIDNIGHT, left, at=MIDNIGHT + 3 * DAY)
        states.append((list(state.product_ids), {n: v.tolist() for n, v in state.history.items()}, state.profile))
    assert all(state == states[0] for state in states)
    assert states[0][2]["baskets"] == 3 + 3


def test_a_row_that_holds_a_purchase_does_not_count_it_again() -> None:
    collected = MIDNIGHT + 3 * HOUR
    known = buys("milk", -2 * HOUR, received_at=MIDNIGHT - 2 * HOUR)
    late = buys("soap", -2 * HOUR, received_at=MIDNIGHT + 4 * HOUR)
    after = buys("bread", HOUR, received_at=MIDNIGHT + HOUR)
    assert unmaterialized([known, late, after], MIDNIGHT, arrived_before(collected)) == [late, after]
    # the next materialisation was collected when all three had arrived
    assert unmaterialized([known, late, after], MIDNIGHT + DAY, arrived_before(collected + DAY)) == []
    # an older one that returns has neither: the newest state still wins
    assert unmaterialized([known, late, after], MIDNIGHT - DAY, arrived_before(collected - DAY)) == [known, late, after]


def arrived_before(collected_at: datetime) -> Held:
    """No receipts at all: the features count the events that had arrived."""
    return Held(datetime.min, datetime.min, collected_at)


def test_a_purchase_after_the_newest_receipt_is_outstanding_though_the_features_are_of_tomorrow() -> None:
    """Receipts of today have landed up to noon, so as_of is tomorrow."""
    noon, tomorrow = MIDNIGHT + 12 * HOUR, MIDNIGHT + DAY
    held = Held(receipts_until=noon, events_from=tomorrow, collected_at=noon)
    on_a_receipt = buys("milk", 11 * HOUR, received_at=noon + 4 * HOUR)  # its event came late
    told_since = buys("soap", 15 * HOUR, received_at=MIDNIGHT + 15 * HOUR)
    told_before_the_run = buys("bread", 12 * HOUR, received_at=noon - HOUR)
    assert unmaterialized([on_a_receipt, told_since, told_before_the_run], tomorrow, held) == [
        told_before_the_run,
        told_since,
    ]
    # The next day its receipts have landed whole: nothing counts twice.
    whole = Held(receipts_until=tomorrow, events_from=tomorrow, collected_at=tomorrow)
    assert unmaterialized([on_a_receipt, told_since, told_before_the_run], tomorrow, whole) == []


def test_events_of_days_without_receipts_are_held_if_they_had_arrived() -> None:
    """Receipts end the day before yesterday at noon; features of today count yesterday's events themselves."""
    held = Held(MIDNIGHT - 2 * DAY + 12 * HOUR, events_from=MIDNIGHT - DAY, collected_at=MIDNIGHT)
    counted = buys("milk", -2 * HOUR, received_at=MIDNIGHT - HOUR)
    late = buys("soap", -2 * HOUR, received_at=MIDNIGHT + HOUR)
    between = buys("bread", -25 * HOUR, received_at=MIDNIGHT - DAY)  # a receipt's day, after the newest receipt
    assert unmaterialized([counted, late, between], MIDNIGHT, held) == [between, late]


def test_without_a_time_of_collection_what_happened_before_is_known() -> None:
    assert unmaterialized([buys("milk", -HOUR), buys("soap", HOUR)], MIDNIGHT, None) == [buys("soap", HOUR)]


def test_a_late_purchase_is_as_old_as_it_is() -> None:
    state = apply_purchases(regular(), MIDNIGHT, [buys("bread", -2 * DAY)])
    bread = of(state, "bread")
    assert (bread["days_since_last"], bread["days_since_first"], bread["gap_mean_days"]) == (2, 20, 18)
    assert state.profile["days_since_last_basket"] == 2


@pytest.mark.parametrize(
    ("product_id", "price", "spend"),
    [("milk", 2.0, 17.0), ("milk", None, 17.5), ("soap", None, 4.0), ("comb", None, 0.0)],
)
def test_a_price_is_as_sent_or_as_paid_before_or_as_it_is_today(
    product_id: str, price: float | None, spend: float
) -> None:
    prices = {"soap": 4.0}
    bought = [buys(product_id, price=price)]
    state = apply_purchases(regular(), MIDNIGHT, bought, price_of=lambda name: prices.get(name, math.nan))
    assert of(state, product_id)["spend"] == spend


def test_the_oldest_of_twenty_baskets_makes_room() -> None:
    """Twenty baskets a day apart, each with a product of its own; the oldest one's is 20 days old."""
    days = np.arange(1, 21, dtype=np.float32)
    history = {name: np.ones(20, np.float32) for name in HISTORY} | {"days_since_last": days, "days_since_first": days}
    profile = {**regular().profile, "baskets": 20.0}
    customer = Customer([f"p{n}" for n in range(1, 21)], history, profile, {})
    state = apply_purchases(customer, MIDNIGHT, [buys("soap"), buys("soap", 25 * HOUR)])
    gone = {product_id for product_id in state.product_ids if of(state, product_id)["last_20_baskets"] == 0}
    assert gone == {"p19", "p20"}
    assert of(state, "soap")["last_20_baskets"] == 2


def test_the_products_stay_in_the_order_of_their_weight() -> None:
    state = apply_purchases(regular(), MIDNIGHT, [buys("bread"), buys("bread", DAY), buys("bread", 2 * DAY)])
    assert list(state.product_ids) == ["bread", "milk"]
    assert (np.diff(state.history["decayed_120d"]) <= 0).all()
