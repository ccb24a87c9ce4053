"""Update the numbers of a product in a customer's history as time passes and the product is bought.

The arithmetic is that of `dbt/models/marts/features/feat_customer_history.sql`, from what a row holds: first and last
purchase, counts and means, but not each single purchase.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import itemgetter

import numpy as np

from features.feature import Exactness, Updater, Window

PERIOD_DAYS = 28.0
LAST_BASKETS = 20
"""Baskets that `last_20_baskets` looks at."""


@dataclass
class PurchaseLine:
    """One product in one basket: its age in days, units and money."""

    age: float
    quantity: float = 0.0
    spend: float = 0.0


class ProductUpdate:
    """A product in a customer's row, with the purchases since.

    old: its numbers, 0 if it was never bought. lines: one a new basket. since_midnight: the part of a day by which all
    windows are longer than whole days. newest_until: the age up to which a new line is of the newest baskets.
    After them: `count` of baskets, days since the `last` and the `first`.
    """

    __slots__ = ("ages", "count", "first", "last", "lines", "newest_until", "old", "since_midnight")

    def __init__(
        self, old: Mapping[str, float], lines: Sequence[PurchaseLine], since_midnight: float, newest_until: float
    ) -> None:
        self.old, self.lines, self.since_midnight, self.newest_until = old, lines, since_midnight, newest_until
        self.ages = sorted([line.age for line in lines])
        self.count = old["baskets"] + len(lines)
        self.last, self.first = self.ages[0], self.ages[-1]
        if old["baskets"]:
            self.last, self.first = min(self.last, old["days_since_last"]), max(self.first, old["days_since_first"])

    @property
    def gap_mean(self) -> float:
        """Return the mean days between baskets with the product; 0 after one basket."""
        return (self.first - self.last) / (self.count - 1) if self.count > 1 else 0.0


@dataclass
class HistoryAdvance:
    """A history some days later, without purchases in between.

    old: its numbers at the instant of the features, a midnight of the shop, `[products]` each. midnights: how many of
    the shop's days have begun since. windows: the counts of baskets that the table declares, by days, rising.
    """

    old: Mapping[str, np.ndarray]
    days: float
    midnights: int
    windows: Sequence[tuple[str, int]]

    @cached_property
    def last(self) -> np.ndarray:
        """Return the days since each product was last bought."""
        return self.old["days_since_last"] + np.float32(self.days)

    @cached_property
    def first(self) -> np.ndarray:
        """Return the days since each product was first bought."""
        return self.old["days_since_first"] + np.float32(self.days)

    def baskets_within(self, limit: int) -> np.ndarray:
        """Return the baskets of each product at most `limit` days old at the instant of the features, float32 `[n]`.

        Exact for products bought once or twice; of others it interpolates between the counts that are known.
        """
        count, last, first = self.old["baskets"], self.old["days_since_last"], self.old["days_since_first"]
        if limit <= 0:
            return np.zeros_like(count)
        index = bisect_right(self.windows, limit, key=itemgetter(1))
        longer, days = self.windows[index]
        if index:
            shorter, start = self.windows[index - 1]
            known = self.old[shorter]
            guess = np.rint(known + (limit - start) / (days - start) * (self.old[longer] - known))
        else:
            guess = np.rint(limit / days * self.old[longer])
        older = first > limit
        lowest, highest = np.where(older, np.float32(1), count), count - older
        return np.where(last > limit, np.float32(0), np.minimum(np.maximum(guess, lowest), highest))


@dataclass
class HistoryUpdate:
    """New baskets next to the products of a history, whether or not they hold them.

    ages: of the new baskets, rising. baskets: of the customer before them.
    """

    old: Mapping[str, np.ndarray]
    ages: Sequence[float]
    baskets: float

    @property
    def all_are_newest(self) -> bool:
        """Return whether all baskets, old and new, are of the newest."""
        return self.baskets + len(self.ages) <= LAST_BASKETS

    @cached_property
    def known(self) -> np.ndarray:
        """Return the ages of the baskets before, newest first."""
        return basket_ages(self.old)

    @cached_property
    def newest_ages(self) -> list[float]:
        """Return the ages of the new baskets that are of the newest."""
        return [age for rank, age in enumerate(self.ages) if rank + int((self.known < age).sum()) < LAST_BASKETS]

    @property
    def newest_until(self) -> float:
        """Return the age up to which a new line is of the newest baskets."""
        if self.all_are_newest:
            return math.inf
        # A line may be older than its basket, which counts as a whole.
        return self.newest_ages[-1] + 1.0 if self.newest_ages else -1.0


def basket_ages(history: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the ages of the baskets that the products show, newest first.

    Nearly every basket is the first or the last one of some product.
    """
    ages = np.concatenate([history["days_since_last"], history["days_since_first"]])
    ages.sort()
    return ages[np.concatenate([[True], ages[1:] != ages[:-1]])] if len(ages) else ages  # np.unique takes twice as long


@dataclass(frozen=True)
class ProductUpdater(Updater):
    """The update of one number of every product; each function gets the values before the update.

    add: the new value of a product that was bought. advance: all values after some days; None: time changes nothing.
    displace: all values as new baskets arrive, before those bought get theirs; None: only purchases of the product
    itself change it.
    """

    add: Callable[[float, ProductUpdate, Window], float]
    advance: Callable[[np.ndarray, HistoryAdvance, Window], np.ndarray] | None = None
    displace: Callable[[np.ndarray, HistoryUpdate, Window], np.ndarray] | None = None


@dataclass(frozen=True)
class ProductList(Updater):
    """Marks the list that all numbers are aligned with; `scoring.customer.state` keeps it."""


_BASE = ("baskets", "days_since_last", "days_since_first")

PRODUCTS_BOUGHT = ProductList("gains the products bought", Exactness.ALWAYS, ())


COUNT = ProductUpdater("counts the new baskets", Exactness.ALWAYS, (), lambda _, of, __: of.count)

SINCE_LAST = ProductUpdater(
    "restarts, and grows with time", Exactness.ALWAYS, (), lambda _, of, __: of.last, lambda _, aged, __: aged.last
)

SINCE_FIRST = ProductUpdater(
    "grows with time", Exactness.ALWAYS, (), lambda _, of, __: of.first, lambda _, aged, __: aged.first
)

GAP_MEAN = ProductUpdater("counts the new gaps", Exactness.ALWAYS, _BASE, lambda _, of, __: of.gap_mean)


def _gap_std(std: float, of: ProductUpdate, _: Window) -> float:
    gaps = of.count - 1
    return math.sqrt(max(_squared_gaps(std, of) / gaps - of.gap_mean**2, 0.0)) if gaps else 0.0


def _squared_gaps(std: float, of: ProductUpdate) -> float:
    """Sum of the squared days between purchases, new ones included.

    Exact if the product was bought at most twice before, or if the new purchases are newer than all others. One in
    between is taken to halve an average gap.
    """
    count, last, first = int(of.old["baskets"]), of.old["days_since_last"], of.old["days_since_first"]
    if count <= 2:
        known = sorted([*[last, first][:count], *of.ages])
        return sum([(older - newer) ** 2 for newer, older in pairwise(known)])
    mean = of.old["gap_mean_days"]
    newer = [*(age for age in of.ages if age < last), last]
    older = [first, *(age for age in of.ages if age > first)]
    between = len(of.ages) + 2 - len(newer) - len(older)
    squared = (std * std + mean * mean) * (count - 1) - between * mean * mean / 2
    for chain in (newer, older):
        squared += sum([(later - sooner) ** 2 for sooner, later in pairwise(chain)])
    return max(squared, 0.0)


GAP_STD = ProductUpdater("counts the new gaps", Exactness.ALWAYS, (*_BASE, "gap_mean_days"), _gap_std)


def decayed(days: float) -> ProductUpdater:
    """Return the updater of a count in which each basket weighs exp(-age / days)."""
    return ProductUpdater(
        "adds the new baskets, and fades with time",
        Exactness.ALWAYS,
        (),
        lambda value, of, _: value + sum([math.exp(-age / days) for age in of.ages]),
        lambda values, aged, _: values * np.float32(math.exp(-aged.days / days)),
    )


def _add_within(value: float, of: ProductUpdate, window: Window) -> float:
    limit = window.days + of.since_midnight
    return value + sum([age <= limit for age in of.ages])


def _advance_within(values: np.ndarray, aged: HistoryAdvance, window: Window) -> np.ndarray:
    return aged.baskets_within(window.days - aged.midnights) if aged.midnights else values


COUNT_WITHIN = ProductUpdater("counts the new baskets", Exactness.SAME_DAY, _BASE, _add_within, _advance_within)


def _add_newest(value: float, of: ProductUpdate, _: Window) -> float:
    return value + sum([age <= of.newest_until for age in of.ages])


def _displace_oldest(values: np.ndarray, newer: HistoryUpdate, _: Window) -> np.ndarray:
    """Let old baskets leave the newest as new ones arrive."""
    staying = LAST_BASKETS - len(newer.newest_ages)
    if newer.all_are_newest or not newer.newest_ages or len(newer.known) <= staying:
        return values
    limit = newer.known[staying - 1] if staying else -1.0
    last, first, count = newer.old["days_since_last"], newer.old["days_since_first"], newer.old["baskets"]
    guess = np.clip(np.round(values * staying / LAST_BASKETS), 1, np.maximum(count - 1, 1))
    stay = np.where(last > limit, 0, np.where(first > limit, guess, count))
    shortened: np.ndarray = np.minimum(values, stay).astype(np.float32)
    return shortened


COUNT_NEWEST = ProductUpdater(
    "counts the new baskets; older ones make room", Exactness.NEVER, _BASE, _add_newest, displace=_displace_oldest
)


def _add_periods(value: float, of: ProductUpdate, _: Window) -> float:
    """Add the periods in which the product had not been bought before."""
    count, last, first = of.old["baskets"], of.old["days_since_last"], of.old["days_since_first"]
    known = {math.floor(age / PERIOD_DAYS) for age in ((last, first) if count else ())}
    if count and value == max(known) - min(known) + 1:
        known = set(range(min(known), max(known) + 1))
    return value + len({math.floor(age / PERIOD_DAYS) for age in of.ages} - known)


def _advance_periods(values: np.ndarray, aged: HistoryAdvance, _: Window) -> np.ndarray:
    """Bound the count by first and last purchase, because the borders have moved."""
    newest, oldest = np.floor(aged.last / PERIOD_DAYS), np.floor(aged.first / PERIOD_DAYS)
    lowest = 1 + (oldest > newest)
    highest = np.minimum(aged.old["baskets"], oldest - newest + 1)
    bounded: np.ndarray = np.minimum(np.maximum(values, lowest), highest).astype(np.float32)
    return bounded


PERIODS = ProductUpdater("counts the new periods", Exactness.NEVER, _BASE, _add_periods, _advance_periods)


def total(of_line: Callable[[PurchaseLine], float], what: str) -> ProductUpdater:
    """Return the updater of a sum over all lines ever."""
    return ProductUpdater(
        f"adds the new {what}",
        Exactness.ALWAYS,
        (),
        lambda value, of, _: value + sum([of_line(line) for line in of.lines]),
    )
