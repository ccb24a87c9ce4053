"""A customer's features with the purchases that the feature tables do not hold yet.

The result is a pure function of the row and of the *set* of purchases. Order and repetition make no difference, and a
purchase that the row already holds is not counted twice. How a purchase changes a feature is declared with the feature
(`features.declarations`); features that are `BatchOnly` keep their values.
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
    def event_id(self) -> str:
        """The id of the event."""
        ...

    @property
    def product_id(self) -> str:
        """The purchased product."""
        ...

    @property
    def occurred_at(self) -> datetime:
        """When it was bought."""
        ...

    @property
    def received_at(self) -> datetime:
        """When the event arrived."""
        ...

    @property
    def quantity(self) -> float:
        """How many units were bought."""
        ...

    @property
    def price(self) -> float | None:
        """The price of one unit."""
        ...


P = TypeVar("P", bound=PurchaseLike)


def unmaterialized(purchases: Iterable[P], known_at: datetime, held: Held | None) -> list[P]:
    """Return the purchases that a feature row does not hold, each event once, oldest first.

    Args:
        purchases: The customer's recent purchases.
        known_at: The row holds nothing that happened at this instant or later.
        held: Which earlier purchases the row holds, because `known_at` may be tomorrow while the receipts end at noon.
            None: all of them.
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
    """Return the customer at `at`, with the purchases that the features do not hold.

    Args:
        customer: The customer at `known_at`.
        known_at: The instant of the customer's features, a midnight of the shop (UTC).
        purchases: The purchases from `unmaterialized`.
        at: The present instant (UTC). By default `known_at`; later purchases then count as made just now.
        price_of: The price of one unit of a product, for purchases without a price; 0 if unknown.
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
    """Group purchases into one basket per day, as dbt does where no receipt separates baskets."""
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
    def _position_of(self) -> Mapping[str, int]:
        return {product_id: i for i, product_id in enumerate(self._customer.product_ids)}

    def for_one(self, product_id: str) -> float | None:
        i = self._position_of.get(product_id)
        if i is None or self._customer.history["quantity"][i] <= 0:
            return None
        return float(self._customer.history["spend"][i] / self._customer.history["quantity"][i])


def _price(purchase: PurchaseLike, paid: _Paid, price_of: Callable[[str], float]) -> float:
    """Return the purchase's price; without one, what this customer paid for a unit so far; else the catalogue's."""
    if purchase.price is not None:
        return purchase.price
    known = paid.for_one(purchase.product_id)
    if known is not None:
        return known
    price = price_of(purchase.product_id)
    return price if math.isfinite(price) else 0.0
