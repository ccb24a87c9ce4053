"""A customer's features between two builds: after some time, with more baskets, or with fewer.

How each feature changes is declared with it, in `features.declarations`; this class calls each feature's updater.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.customer import Basket, CustomerAdvance, CustomerUpdate, CustomerUpdater
from features.declarations import CUSTOMER_HISTORY, CUSTOMER_PROFILE
from features.feature import PURCHASES, Exactness
from features.product import (
    COUNT_WITHIN,
    HistoryAdvance,
    HistoryUpdate,
    ProductUpdate,
    ProductUpdater,
    PurchaseLine,
    basket_ages,
)
from scoring.customer.customer import Customer
from scoring.schema import HISTORY, PROFILE

SAME_BASKET = 0.02
"""Days: lines of one basket may arrive minutes apart."""

_KEEP = ProductUpdater("", Exactness.ALWAYS, (), lambda value, _, __: value)
_PRODUCT = [
    (feature.name, feature.on_purchase if isinstance(feature.on_purchase, ProductUpdater) else _KEEP, feature.window)
    for feature in map(CUSTOMER_HISTORY.by_name.__getitem__, HISTORY)
]
_CUSTOMER = [
    (feature.name, feature.on_purchase, feature.window)
    for feature in CUSTOMER_PROFILE.features
    if isinstance(feature.on_purchase, CustomerUpdater)
]
_DISPLACED = [(name, updater.displace, window) for name, updater, window in _PRODUCT if updater.displace]
_WINDOWS = sorted(
    ((name, window.days) for name, updater, window in _PRODUCT if updater is COUNT_WITHIN), key=lambda each: each[1]
)
_ORDER = HISTORY.index("decayed_120d")
_NEVER_BOUGHT = dict.fromkeys(HISTORY, 0.0)


@dataclass(frozen=True)
class CustomerState:
    """A customer at an instant.

    Attributes:
        customer: The customer's features.
        since_midnight: The part of a day since the shop's last midnight; 0 for the features of a build.
    """

    customer: Customer
    since_midnight: float = 0.0

    def after(self, days: float) -> "CustomerState":
        """Return the state `days` after the midnight of the features, if nothing was bought since."""
        if not days:
            return self
        old, midnights = self.customer, math.floor(days)
        aged = HistoryAdvance(old.history, days, midnights, _WINDOWS)
        history = dict(old.history)
        for name, updater, window in _PRODUCT:
            if updater.advance:
                history[name] = updater.advance(history[name], aged, window)
        waited = CustomerAdvance(old.history, history, days, midnights)
        profile = dict(old.profile)
        for name, of_customer, window in _CUSTOMER:
            if of_customer.advance:
                profile[name] = of_customer.advance(profile[name], waited, window)
        return CustomerState(Customer(old.product_ids, history, profile, old.traits), days - midnights)

    def with_baskets(self, baskets: Sequence[Mapping[str, PurchaseLine]]) -> "CustomerState":
        """Return the state with these baskets; each has one line per product id."""
        old = self.customer
        totals = [_basket(lines.values()) for lines in baskets]
        index = dict(zip(old.product_ids, range(len(old.product_ids)), strict=True))
        added: dict[str, list[PurchaseLine]] = {}
        for basket in baskets:
            for product_id, line in basket.items():
                added.setdefault(product_id, []).append(line)
        new_ids = sorted(product_id for product_id in added if product_id not in index)
        index |= {product_id: len(index) + i for i, product_id in enumerate(new_ids)}

        newer = HistoryUpdate(old.history, sorted([basket.age for basket in totals]), old.profile["baskets"])
        roomy = {name: displace(old.history[name], newer, window) for name, displace, window in _DISPLACED}
        # One table, a column a product: an array for each feature would cost a call for each in every step.
        table = np.zeros((len(HISTORY), len(index)), np.float32)
        known = [roomy.get(name, old.history[name]) for name in HISTORY]
        table[:, : len(old.product_ids)] = known
        newest_until = newer.newest_until
        for product_id, lines in added.items():
            i = index[product_id]
            row = dict(zip(HISTORY, table[:, i].tolist(), strict=True))
            table[:, i] = _bought(row, ProductUpdate(row, lines, self.since_midnight, newest_until))
        history = dict(zip(HISTORY, table, strict=True))

        visited = CustomerUpdate(old.profile, totals, history, self.since_midnight)
        profile = dict(old.profile)
        for name, of_customer, window in _CUSTOMER:
            profile[name] = of_customer.add(profile[name], visited, window)
        customer = _in_order([*old.product_ids, *new_ids], table, profile, old.traits)
        return CustomerState(customer, self.since_midnight)

    def newest(self, count: int) -> "CustomerState":
        """Return the state from the newest `count` baskets alone; unchanged if there are at most `count`.

        A row does not hold single baskets. It shows the distinct ages of first and last purchases, and products bought
        since the `count`-th newest of these ages are kept:

        - A product *first* bought since then keeps all its numbers, because the shorter history gives the same.
        - A product also bought before counts as bought once, on its last date, with the average quantity and spend of
          one basket. Its other purchases since then are hidden together with the earlier ones.

        The profile is that of a new customer with these baskets. A window that lies within the kept time keeps its
        value, and so does a `BatchOnly` feature of purchases. Features of other tables are hidden.
        """
        old = self.customer
        if count > 0 and old.profile["baskets"] <= count:
            return self
        if count == 0:
            nothing = {name: np.zeros(0, np.float32) for name in HISTORY}
            return CustomerState(Customer([], nothing, dict.fromkeys(PROFILE, 0.0), old.traits), self.since_midnight)
        ages = distinct_ages(basket_ages(old.history))[:count]
        known = float(ages[-1])
        kept = np.flatnonzero(old.history["days_since_last"] <= known + SAME_BASKET)
        # The order in the row is by the whole history; of products that weigh the same it would show what is hidden.
        kept = np.array(sorted(kept.tolist(), key=old.product_ids.__getitem__), np.int64)
        table = np.stack([old.history[name] for name in HISTORY])[:, kept]
        history = dict(zip(HISTORY, table, strict=True))
        for i in np.flatnonzero(history["days_since_first"] > known + SAME_BASKET):
            row = dict(zip(HISTORY, table[:, i].tolist(), strict=True))
            times = max(row["baskets"], 1.0)
            line = PurchaseLine(row["days_since_last"], row["quantity"] / times, row["spend"] / times)
            table[:, i] = _bought(_NEVER_BOUGHT, ProductUpdate(_NEVER_BOUGHT, [line], self.since_midnight, math.inf))

        visited = CustomerUpdate(dict.fromkeys(PROFILE, 0.0), _spread(history, ages), history, self.since_midnight)
        profile = {}
        for name in PROFILE:
            feature = CUSTOMER_PROFILE.by_name[name]
            if not isinstance(feature.on_purchase, CustomerUpdater):
                profile[name] = old.profile[name] if feature.source == PURCHASES else 0.0
            elif 0 < feature.window.days <= known and not feature.on_purchase.is_of_history:
                profile[name] = old.profile[name]
            else:
                profile[name] = float(feature.on_purchase.add(0.0, visited, feature.window))
        customer = _in_order([old.product_ids[i] for i in kept.tolist()], table, profile, old.traits)
        return CustomerState(customer, self.since_midnight)


def _bought(row: Mapping[str, float], update: ProductUpdate) -> list[float]:
    """Return the numbers of a product after it was bought, in the order of `HISTORY`."""
    return [updater.add(row[name], update, window) for name, updater, window in _PRODUCT]


def distinct_ages(ages: np.ndarray) -> np.ndarray:
    """Return one age per basket, from the rising ages of lines."""
    return ages[np.concatenate([[True], np.diff(ages) > SAME_BASKET])] if len(ages) else ages


def _basket(lines: Collection[PurchaseLine]) -> Basket:
    return Basket(
        min([line.age for line in lines]),
        len(lines),
        sum([line.quantity for line in lines]),
        sum([line.spend for line in lines]),
    )


def _spread(history: Mapping[str, np.ndarray], ages: np.ndarray) -> list[Basket]:
    """Spread each product's purchases evenly from its last to its first over baskets of these ages."""
    count = history["baskets"].astype(np.int64)
    newest, oldest = (
        np.searchsorted(ages, history[name], side="right") - 1 for name in ("days_since_last", "days_since_first")
    )
    step = (oldest - newest) / np.maximum(count - 1, 1)
    of = np.repeat(np.arange(len(count)), count)
    rank = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    basket = np.rint(newest[of] + rank * step[of]).astype(np.int64)

    def summed(name: str) -> np.ndarray:
        return np.bincount(basket, (history[name] / np.maximum(count, 1))[of], len(ages))

    products = np.bincount(basket, minlength=len(ages))
    return [Basket(*map(float, each)) for each in zip(ages, products, summed("quantity"), summed("spend"), strict=True)]


def _in_order(
    product_ids: Sequence[str], table: np.ndarray, profile: Mapping[str, float], traits: Mapping[str, str]
) -> Customer:
    """Return the customer of a table `[HISTORY, products]`, with products in the order of the features."""
    order = np.argsort(-table[_ORDER], kind="stable")
    history = dict(zip(HISTORY, table.take(order, axis=1), strict=True))
    return Customer([product_ids[i] for i in order.tolist()], history, profile, traits)
