"""A customer some days later, if nothing was bought meanwhile.

Exact: recency, decayed counts, mean gaps, and the windows of products bought once or twice. What left a window of a
product bought more often is interpolated between the counts that are known, for the row does not hold each purchase.
"""

import math
from collections.abc import Mapping

import numpy as np

from scoring.customer import Customer

WINDOWS = {"baskets_2w": 14, "baskets_4w": 28, "baskets_8w": 56, "baskets_13w": 91}
"""Days of the windows of a product's baskets. A window begins at a midnight of the shop."""

DECAYS = {"decayed_20d": 20.0, "decayed_60d": 60.0, "decayed_120d": 120.0, "decayed_240d": 240.0}
"""Days in which a basket's weight falls to 1/e."""

PERIOD_DAYS = 28.0


def aged(customer: Customer, days: float) -> Customer:
    """The customer `days` after the instant the features are of, which was a midnight of the shop."""
    midnights = math.floor(days)
    old = customer.history
    history = dict(old)
    for name, scale in DECAYS.items():
        history[name] = old[name] * np.float32(math.exp(-days / scale))
    for name in ("days_since_last", "days_since_first"):
        history[name] = old[name] + np.float32(days)
    if midnights:
        for name, window in WINDOWS.items():
            history[name] = _baskets_within(old, window - midnights)
    history["periods_4w"] = _periods(history)
    profile = _aged_profile(customer, days, midnights)
    profile["new_product_share_8w"] = new_product_share(history, days - midnights)
    return Customer(customer.product_ids, history, profile, customer.traits)


def basket_ages(history: Mapping[str, np.ndarray]) -> np.ndarray:
    """Ages of the baskets that can be told from the products, newest first: nearly every basket is the first or the
    last one of some product."""
    return np.unique(np.concatenate([history["days_since_last"], history["days_since_first"]]))


def new_product_share(history: Mapping[str, np.ndarray], since_midnight: float) -> float:
    """Share of the last 8 weeks' product purchases that were first ones.

    since_midnight: the part of a day by which all windows are longer than whole days.
    """
    bought = float(history["baskets_8w"].sum())
    new = float((history["days_since_first"] <= WINDOWS["baskets_8w"] + since_midnight).sum())
    return new / bought if bought else 0.0


def _baskets_within(history: Mapping[str, np.ndarray], limit: int) -> np.ndarray:
    """Baskets of each product that are at most `limit` days old, float32 `[n]`."""
    count, last, first = history["baskets"], history["days_since_last"], history["days_since_first"]
    if limit <= 0:
        return np.zeros_like(count)
    edges = [0, *WINDOWS.values()]
    known = [np.zeros_like(count), *(history[name] for name in WINDOWS)]
    place = int(np.searchsorted(edges, limit, side="right")) - 1
    share = (limit - edges[place]) / (edges[place + 1] - edges[place])
    guess = np.round(known[place] + share * (known[place + 1] - known[place]))
    lowest = np.where(last > limit, 0, np.where(first > limit, 1, count))
    highest = np.where(last > limit, 0, np.where(first > limit, count - 1, count))
    return np.clip(guess, lowest, highest).astype(np.float32)


def _periods(history: Mapping[str, np.ndarray]) -> np.ndarray:
    """Four-week periods with a purchase, now that their borders have moved."""
    newest = np.floor(history["days_since_last"] / PERIOD_DAYS)
    oldest = np.floor(history["days_since_first"] / PERIOD_DAYS)
    lowest = 1 + (oldest > newest)
    highest = np.minimum(history["baskets"], oldest - newest + 1)
    return np.clip(history["periods_4w"], lowest, highest).astype(np.float32)


def _aged_profile(customer: Customer, days: float, midnights: int) -> dict[str, float]:
    profile = dict(customer.profile)
    profile["days_since_last_basket"] += days
    profile["days_since_first_basket"] += days
    if midnights:
        ages = basket_ages(customer.history)
        for weeks, window in (("4w", 28), ("13w", 91)):
            before = int((ages <= window).sum())
            share = int((ages <= window - midnights).sum()) / before if before else 0.0
            profile[f"baskets_{weeks}"] = float(round(profile[f"baskets_{weeks}"] * share))
            profile[f"spend_{weeks}"] *= share
    return profile
