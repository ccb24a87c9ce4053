"""What the feature tables say of a customer, and what was bought since: one state, as the tables will say it later.

A pure function of the row and of the *set* of purchases: in whatever order they come, however often, the state is the
same, and a row that already holds some of them counts none twice. The arithmetic is that of
`dbt/models/marts/features/feat_customer_history.sql` and `feat_customer_profile.sql`. Not told by purchases, and left
as they were: `discount_share`, coupons, campaigns and traits.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np

from scoring.ageing import DECAYS, PERIOD_DAYS, WINDOWS, aged, basket_ages, new_product_share
from scoring.customer import Customer
from scoring.schema import HISTORY

_DAY = timedelta(days=1)
_NEWEST = 20
"""Baskets that `last_20_baskets` looks at."""


class Bought(Protocol):
    """A purchased line. Times are naive UTC; `price` is for one unit, None if unknown."""

    @property
    def event_id(self) -> str: ...
    @property
    def product_id(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def quantity(self) -> float: ...
    @property
    def price(self) -> float | None: ...


Some = TypeVar("Some", bound=Bought)


@dataclass
class Line:
    """One product in one basket: its age in days, units and money."""

    age: float
    quantity: float = 0.0
    spend: float = 0.0


@dataclass
class Basket:
    """What was bought on one day. Receipts may tell it apart later."""

    lines: dict[str, Line] = field(default_factory=dict)

    @property
    def age(self) -> float:
        return min(line.age for line in self.lines.values())


def outstanding(purchases: Iterable[Some], known_at: datetime, collected_at: datetime | None) -> list[Some]:
    """The purchases that a feature row does not hold, each event once, oldest first.

    known_at: the row knows what happened before this. collected_at: when the data behind it was collected; a purchase
    that arrived later is not in it, however long ago it was made. None: all that had happened was known.
    """
    found = {
        purchase.event_id: purchase
        for purchase in purchases
        if purchase.occurred_at >= known_at or (collected_at is not None and purchase.received_at >= collected_at)
    }
    return sorted(found.values(), key=lambda purchase: (purchase.occurred_at, purchase.event_id))


def live_customer(
    customer: Customer,
    known_at: datetime,
    purchases: Sequence[Bought],
    at: datetime | None = None,
    price_of: Callable[[str], float] = lambda _: 0.0,
) -> Customer:
    """The customer at `at`, with the outstanding purchases.

    known_at: the instant of the customer's features, a midnight of the shop (UTC). at: what the clock says (UTC); by
    default it stands still at `known_at`, and what was bought since counts as bought just now. price_of: what a unit
    of a product costs, for purchases that came without a price; 0 if unknown.
    """
    days = 0.0 if at is None else max((at - known_at) / _DAY, 0.0)
    if days:
        customer = aged(customer, days)
    if not purchases:
        return customer
    baskets = _baskets(customer, known_at, known_at + days * _DAY, purchases, price_of)
    return _with_baskets(customer, baskets, days - math.floor(days))


def _baskets(
    customer: Customer,
    known_at: datetime,
    now: datetime,
    purchases: Sequence[Bought],
    price_of: Callable[[str], float],
) -> list[Basket]:
    """All lines of a day are one basket, as in dbt while no receipt tells them apart."""
    place = {product_id: i for i, product_id in enumerate(customer.product_ids)}
    by_day: dict[int, Basket] = {}
    for purchase in purchases:
        day = math.floor((purchase.occurred_at - known_at) / _DAY)  # known_at is the shop's midnight
        age = max((now - purchase.occurred_at) / _DAY, 0.0)
        line = by_day.setdefault(day, Basket()).lines.setdefault(purchase.product_id, Line(age))
        line.age = min(line.age, age)
        line.quantity += purchase.quantity
        line.spend += purchase.quantity * _price(purchase, customer, place, price_of)
    return list(by_day.values())


def _price(purchase: Bought, customer: Customer, place: Mapping[str, int], price_of: Callable[[str], float]) -> float:
    """As it came; else what this customer paid for a unit so far; else what it costs."""
    if purchase.price is not None:
        return purchase.price
    i = place.get(purchase.product_id)
    if i is not None and customer.history["quantity"][i] > 0:
        return float(customer.history["spend"][i] / customer.history["quantity"][i])
    price = price_of(purchase.product_id)
    return price if math.isfinite(price) else 0.0


def _with_baskets(customer: Customer, baskets: list[Basket], since_midnight: float) -> Customer:
    """since_midnight: the part of a day by which all windows are longer than whole days."""
    place = {str(product_id): i for i, product_id in enumerate(customer.product_ids)}
    added: dict[str, list[Line]] = {}
    for basket in baskets:
        for product_id, line in basket.lines.items():
            added.setdefault(product_id, []).append(line)
    new_ids = sorted(product_id for product_id in added if product_id not in place)
    place |= {product_id: len(place) + i for i, product_id in enumerate(new_ids)}
    nothing = np.zeros(len(new_ids), np.float32)
    history = {name: np.concatenate([customer.history[name], nothing]) for name in HISTORY}

    joined = _leave_the_newest(customer, history, baskets)
    for product_id, lines in added.items():
        _add_lines(history, place[product_id], lines, since_midnight)
        history["last_20_baskets"][place[product_id]] += sum(line.age <= joined for line in lines)
    profile = _profile(customer, history, baskets, len(place), since_midnight)
    order = np.argsort(-history["decayed_120d"], kind="stable")
    product_ids = [*customer.product_ids, *new_ids]
    return Customer(
        [product_ids[i] for i in order],
        {name: values[order] for name, values in history.items()},
        profile,
        customer.traits,
    )


def _leave_the_newest(customer: Customer, history: dict[str, np.ndarray], baskets: list[Basket]) -> float:
    """Old baskets leave the last twenty as new ones join; returns the age up to which a new one joins."""
    new = sorted(basket.age for basket in baskets)
    if customer.profile["baskets"] + len(new) <= _NEWEST:
        return math.inf
    old = basket_ages(customer.history)
    joining = [age for rank, age in enumerate(new) if rank + int((old < age).sum()) < _NEWEST]
    staying = _NEWEST - len(joining)
    if joining and len(old) > staying:
        limit = old[staying - 1] if staying else -1.0
        counts = history["last_20_baskets"]
        last, first, count = history["days_since_last"], history["days_since_first"], history["baskets"]
        guess = np.clip(np.round(counts * staying / _NEWEST), 1, np.maximum(count - 1, 1))
        stay = np.where(last > limit, 0, np.where(first > limit, guess, count))
        history["last_20_baskets"] = np.minimum(counts, stay).astype(np.float32)
    # A line may be older than its basket, which counts as a whole.
    return joining[-1] + 1.0 if joining else -1.0


def _add_lines(history: dict[str, np.ndarray], i: int, lines: list[Line], since_midnight: float) -> None:
    """Count a product's new purchases, one line a basket, at place `i`."""
    ages = sorted(line.age for line in lines)
    count = int(history["baskets"][i])
    last, first = float(history["days_since_last"][i]), float(history["days_since_first"][i])
    mean, std = float(history["gap_mean_days"][i]), float(history["gap_std_days"][i])
    squared = _squared_gaps(count, last, first, mean, std, ages)
    periods = _new_periods(count, last, first, int(history["periods_4w"][i]), ages)

    last, first = (min(last, ages[0]), max(first, ages[-1])) if count else (ages[0], ages[-1])
    gaps = count + len(ages) - 1
    mean = (first - last) / gaps if gaps else 0.0
    history["baskets"][i] = count + len(ages)
    history["days_since_last"][i] = last
    history["days_since_first"][i] = first
    history["gap_mean_days"][i] = mean
    history["gap_std_days"][i] = math.sqrt(max(squared / gaps - mean * mean, 0.0)) if gaps else 0.0
    for name, scale in DECAYS.items():
        history[name][i] += sum(math.exp(-age / scale) for age in ages)
    for name, window in WINDOWS.items():
        history[name][i] += sum(age <= window + since_midnight for age in ages)
    history["periods_4w"][i] += periods
    history["quantity"][i] += sum(line.quantity for line in lines)
    history["spend"][i] += sum(line.spend for line in lines)


def _squared_gaps(count: int, last: float, first: float, mean: float, std: float, ages: list[float]) -> float:
    """Sum of the squared days between purchases, new ones included.

    Exact if the product was bought at most twice before, or if the new purchases are newer than all others. One in
    between is taken to halve an average gap.
    """
    if count <= 2:
        known = sorted([*[last, first][:count], *ages])
        return sum((older - newer) ** 2 for newer, older in pairwise(known))
    newer = [*(age for age in ages if age < last), last]
    older = [first, *(age for age in ages if age > first)]
    between = len(ages) + 2 - len(newer) - len(older)
    squared = (std * std + mean * mean) * (count - 1) - between * mean * mean / 2
    for chain in (newer, older):
        squared += sum((later - sooner) ** 2 for sooner, later in pairwise(chain))
    return max(squared, 0.0)


def _new_periods(count: int, last: float, first: float, periods: int, ages: list[float]) -> int:
    """Four-week periods in which the product had not been bought before."""
    known = {math.floor(age / PERIOD_DAYS) for age in ((last, first) if count else ())}
    if count and periods == max(known) - min(known) + 1:
        known = set(range(min(known), max(known) + 1))
    return len({math.floor(age / PERIOD_DAYS) for age in ages} - known)


def _profile(
    customer: Customer, history: dict[str, np.ndarray], baskets: list[Basket], products: int, since_midnight: float
) -> dict[str, float]:
    old = customer.profile
    ages = [basket.age for basket in baskets]
    count = old["baskets"] + len(baskets)
    last = min([*ages, *([old["days_since_last_basket"]] if old["baskets"] else [])])
    first = max([*ages, old["days_since_first_basket"]])
    profile = dict(old)
    profile["baskets"] = count
    profile["days_since_last_basket"] = last
    profile["days_since_first_basket"] = first
    profile["gap_mean_days"] = (first - last) / (count - 1) if count > 1 else 0.0
    for weeks, window in (("4w", 28), ("13w", 91)):
        within = [basket for basket in baskets if basket.age <= window + since_midnight]
        profile[f"baskets_{weeks}"] += len(within)
        profile[f"spend_{weeks}"] += sum(line.spend for basket in within for line in basket.lines.values())
    profile["products"] = float(products)
    held = old["basket_size_mean"] * old["baskets"] + sum(len(basket.lines) for basket in baskets)
    profile["basket_size_mean"] = held / count
    profile["new_product_share_8w"] = new_product_share(history, since_midnight)
    return profile
