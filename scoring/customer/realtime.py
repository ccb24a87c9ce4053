"""What the feature tables say of a customer, and what was bought since: one state, as the tables will say it later.

A pure function of the row and of the *set* of purchases: in whatever order they come, however often, the state is the
same, and a row that already holds some of them counts none twice. What a purchase does to a feature is declared with
the feature (`features.declarations`); those that are `BatchOnly` stay as they were.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol, TypeVar

from core.held import Held
from features.product import PurchaseLine
from scoring.customer.customer import Customer
from scoring.customer.state import CustomerState

_DAY = timedelta(days=1)


class PurchaseLike(Protocol):
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


P = TypeVar("P", bound=PurchaseLike)


def unmaterialized(purchases: Iterable[P], known_at: datetime, held: Held | None) -> list[P]:
    """Return the purchases that a feature row does not hold, each event once, oldest first.

    known_at: the row holds nothing that happened at this instant or later. held: which earlier purchases it holds, for
    `known_at` may be tomorrow and the receipts end at noon. None: all of them.
    """
    found = {
        purchase.event_id: purchase
        for purchase in purchases
        if purchase.occurred_at >= known_at
        or (held is not None and not held.holds(purchase.occurred_at, purchase.received_at))
    }
    return sorted(found.values(), key=lambda purchase: (purchase.occurred_at, purchase.event_id))


def apply_purchases(
    customer: Customer,
    known_at: datetime,
    purchases: Sequence[PurchaseLike],
    at: datetime | None = None,
    price_of: Callable[[str], float] = lambda _: 0.0,
) -> Customer:
    """The customer at `at`, with the outstanding purchases.

    known_at: the instant of the customer's features, a midnight of the shop (UTC). at: what the clock says (UTC); by
    default it stands still at `known_at`, and what was bought since counts as bought just now. price_of: what a unit
    of a product costs, for purchases that came without a price; 0 if unknown.
    """
    days = 0.0 if at is None else max((at - known_at) / _DAY, 0.0)
    state = CustomerState(customer).after(days)
    if purchases:
        state = state.with_baskets(_baskets(state.customer, known_at, known_at + days * _DAY, purchases, price_of))
    return state.customer


def _baskets(
    customer: Customer,
    known_at: datetime,
    now: datetime,
    purchases: Sequence[PurchaseLike],
    price_of: Callable[[str], float],
) -> list[dict[str, PurchaseLine]]:
    """All lines of a day are one basket, as in dbt while no receipt tells them apart."""
    paid = _Paid(customer)
    by_day: dict[int, dict[str, PurchaseLine]] = {}
    for purchase in purchases:
        day = math.floor((purchase.occurred_at - known_at) / _DAY)  # known_at is the shop's midnight
        age = max((now - purchase.occurred_at) / _DAY, 0.0)
        line = by_day.setdefault(day, {}).setdefault(purchase.product_id, PurchaseLine(age))
        line.age = min(line.age, age)
        line.quantity += purchase.quantity
        line.spend += purchase.quantity * _price(purchase, paid, price_of)
    return list(by_day.values())


class _Paid:
    """Looks up what a customer paid for a unit so far; most purchases come with a price and ask for none."""

    def __init__(self, customer: Customer) -> None:
        self._customer = customer

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {product_id: i for i, product_id in enumerate(self._customer.product_ids)}

    def for_one(self, product_id: str) -> float | None:
        i = self._place.get(product_id)
        if i is None or self._customer.history["quantity"][i] <= 0:
            return None
        return float(self._customer.history["spend"][i] / self._customer.history["quantity"][i])


def _price(purchase: PurchaseLike, paid: _Paid, price_of: Callable[[str], float]) -> float:
    """As it came; else what this customer paid for a unit so far; else what it costs."""
    if purchase.price is not None:
        return purchase.price
    known = paid.for_one(purchase.product_id)
    if known is not None:
        return known
    price = price_of(purchase.product_id)
    return price if math.isfinite(price) else 0.0
