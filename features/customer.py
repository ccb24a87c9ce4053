"""Update the numbers about a customer as a whole as time passes and baskets are bought.

The arithmetic is that of `dbt/models/marts/features/feat_customer_profile.sql`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.feature import Exactness, Updater, Window
from features.product import basket_ages


@dataclass(frozen=True)
class Basket:
    """One purchase, `age` days ago: distinct products, units and money."""

    age: float
    products: float
    quantity: float
    spend: float


@dataclass
class CustomerUpdate:
    """A customer as the row has it, and the baskets since.

    old: the profile before, all 0 for a stranger. baskets: the new ones. history: of all products, after them.
    since_midnight: the part of a day by which all windows are longer than whole days.
    After them: `count` of baskets, days since the `last` and the `first`.
    """

    old: Mapping[str, float]
    baskets: Sequence[Basket]
    history: Mapping[str, np.ndarray]
    since_midnight: float

    def __post_init__(self) -> None:
        ages = [basket.age for basket in self.baskets]
        before = self.old["baskets"]
        self.count = before + len(ages)
        self.last = min([*ages, self.old["days_since_last_basket"]] if before else ages)
        self.first = max([*ages, self.old["days_since_first_basket"]])

    def within(self, window: Window) -> list[Basket]:
        """Return the new baskets that lie in the window."""
        return [basket for basket in self.baskets if basket.age <= window.days + self.since_midnight]


@dataclass
class CustomerAdvance:
    """A customer some days later, without purchases in between.

    history: of all products at the instant of the features; aged: the same after these days. midnights: how many of
    the shop's days have begun since.
    """

    history: Mapping[str, np.ndarray]
    aged: Mapping[str, np.ndarray]
    days: float
    midnights: int

    @cached_property
    def basket_ages(self) -> np.ndarray:
        """Return the ages of the baskets that the products show, newest first."""
        return basket_ages(self.history)

    def share_left(self, window: Window) -> float:
        """Return the share of the window's baskets that are still in it, of those that the products show."""
        before = int((self.basket_ages <= window.days).sum())
        return int((self.basket_ages <= window.days - self.midnights).sum()) / before if before else 0.0


@dataclass(frozen=True)
class CustomerUpdater(Updater):
    """The update of one number about a customer; each function gets the value before the update.

    add: the new value after some baskets. advance: the value after some days; None: time changes nothing.
    is_of_history: whether it follows from the numbers of the products alone.
    """

    add: Callable[[float, CustomerUpdate, Window], float]
    advance: Callable[[float, CustomerAdvance, Window], float] | None = None
    is_of_history: bool = False


_BASE = ("baskets", "days_since_last_basket", "days_since_first_basket")

COUNT = CustomerUpdater("counts the new baskets", Exactness.ALWAYS, (), lambda _, visited, __: visited.count)

SINCE_LAST = CustomerUpdater(
    "restarts, and grows with time",
    Exactness.ALWAYS,
    (),
    lambda _, visited, __: visited.last,
    lambda value, waited, _: value + waited.days,
)

SINCE_FIRST = CustomerUpdater(
    "grows with time",
    Exactness.ALWAYS,
    (),
    lambda _, visited, __: visited.first,
    lambda value, waited, _: value + waited.days,
)

GAP_MEAN = CustomerUpdater(
    "counts the new gaps",
    Exactness.ALWAYS,
    _BASE,
    lambda _, visited, __: (visited.first - visited.last) / (visited.count - 1) if visited.count > 1 else 0.0,
)

COUNT_WITHIN = CustomerUpdater(
    "counts the new baskets",
    Exactness.SAME_DAY,
    _BASE,
    lambda value, visited, window: value + len(visited.within(window)),
    lambda value, waited, window: float(round(value * waited.share_left(window))) if waited.midnights else value,
)

SPEND_WITHIN = CustomerUpdater(
    "adds the new baskets' money",
    Exactness.SAME_DAY,
    _BASE,
    lambda value, visited, window: value + sum([basket.spend for basket in visited.within(window)]),
    lambda value, waited, window: value * waited.share_left(window) if waited.midnights else value,
)

PRODUCTS = CustomerUpdater(
    "counts the new products",
    Exactness.ALWAYS,
    (),
    lambda _, visited, __: float(len(visited.history["baskets"])),
    is_of_history=True,
)


def mean_per_basket(of_basket: Callable[[Basket], float]) -> CustomerUpdater:
    """Return the updater of a mean over all baskets ever."""
    return CustomerUpdater(
        "takes the new baskets into the mean",
        Exactness.ALWAYS,
        _BASE,
        lambda mean, visited, _: (
            (mean * visited.old["baskets"] + sum([of_basket(b) for b in visited.baskets])) / visited.count
        ),
    )


def _new_share(history: Mapping[str, np.ndarray], limit: float) -> float:
    bought = float(history["baskets_8w"].sum())
    return float((history["days_since_first"] <= limit).sum()) / bought if bought else 0.0


NEW_PRODUCT_SHARE_8W = CustomerUpdater(
    "follows the history's `baskets_8w` and `days_since_first`",
    Exactness.SAME_DAY,
    (),
    lambda _, visited, window: _new_share(visited.history, window.days + visited.since_midnight),
    lambda _, waited, window: _new_share(waited.aged, window.days + waited.days - waited.midnights),
    is_of_history=True,
)
