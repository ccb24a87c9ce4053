"""Does anything that the models learn from know what it cannot have known?

Nothing here trusts the features to be what they say. A history at a later snapshot tells when each product was first
and last bought, the labels tell what was bought in each window, and histories add up to the products' counts: features
that were computed a week too late, that count the judged window, or labels of the wrong weeks contradict one of these.
Prices, promotions and traits cannot be recounted from purchases; the gate's ceiling is what is left for them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.data.splits import Split

CLOCK = 0.1
"""Days by which two instants may disagree: clocks change, purchases fall on the edge of a window."""

TRAINED = 2
"""Training snapshots whose features are recounted."""

_HISTORY = (
    "baskets",
    "days_since_last",
    "days_since_first",
    "decayed_20d",
    "decayed_60d",
    "decayed_120d",
    "baskets_2w",
    "baskets_4w",
    "baskets_8w",
    "baskets_13w",
)
_BUYERS = {"buyers_1w": 1, "buyers_2w": 2, "buyers_4w": 4, "buyers_8w": 8, "buyers_13w": 13, "buyers_26w": 26}
_FIRST_BUYERS = {"first_buyers_4w": 4, "first_buyers_8w": 8}
_SUMS = {"baskets": "baskets", "baskets_4w": "baskets_4w", "baskets_13w": "baskets_13w"}
_PRODUCT = ("buyers", "rebuyers", *_BUYERS, *_FIRST_BUYERS, *_SUMS)


@dataclass(frozen=True)
class Known:
    """What the features of one snapshot say about purchases.

    keys: int64 `[entries]`, one for each customer and product ever bought, ascending (see `Purchases.key`).
    history: `[entries]` by name; product: codes of the products on offer; activity: `[products]` by name.
    """

    keys: np.ndarray
    history: Mapping[str, np.ndarray]
    product: np.ndarray
    activity: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Purchases:
    """Everything a run says about purchases: features at its newest snapshots, labels at all of them.

    labels: by snapshot, the keys of what was bought in the horizon after it, ascending.
    """

    split: Split
    horizon: timedelta
    known: Mapping[datetime, Known]
    labels: Mapping[datetime, np.ndarray]

    @classmethod
    def read(cls, dataset: Path, split: Split, weeks: int) -> "Purchases":
        """From the files of `build-dataset`; features of now, of the judged snapshot and of the newest that train.

        All features come from one build: what is wrong with the other snapshots is wrong with these.
        """
        instants = [split.now, split.evaluation, *split.ranker[:TRAINED]]
        customers = {at: _at(dataset / "customers.parquet", at, ["customer_id", *_HISTORY_COLUMNS]) for at in instants}
        products = {at: _at(dataset / "products.parquet", at, ["product_id", *_PRODUCT_COLUMNS]) for at in instants}
        bought = pq.read_table(dataset / "labels.parquet")
        codes = _Codes(
            customers=_unique(table["customer_id"] for table in (bought, *customers.values())),
            products=_unique(
                [pc.list_flatten(bought["product_ids"])]
                + [pc.list_flatten(table["customer_history__product_ids"]) for table in customers.values()]
                + [table["product_id"] for table in products.values()]
            ),
        )
        known = {at: codes.known(customers[at], products[at]) for at in instants}
        labels = {
            at: np.sort(codes.keys(bought.filter(pc.equal(bought["snapshot"], pa.scalar(at))), "product_ids"))
            for at in [split.evaluation, *split.ranker, *split.retrieval]
        }
        return cls(split, timedelta(weeks=weeks), known, labels)

    def before(self, at: datetime) -> datetime | None:
        """The snapshot whose label ends at `at`, if the run has it (clock changes move an instant by an hour)."""
        return next((t for t in self.labels if abs(t + self.horizon - at) < timedelta(days=CLOCK)), None)


def find_leaks(purchases: Purchases) -> list[str]:
    """One sentence for every contradiction; none if all that can be checked agrees."""
    found = [*_windows(purchases)]
    for at, known in purchases.known.items():
        day = f"{at:%Y-%m-%d}"
        found += [f"customer features at {day}: {sentence}" for sentence in _histories(purchases, at, known)]
        found += [f"product features at {day}: {sentence}" for sentence in _recounts(known)]
    return found


def _windows(purchases: Purchases) -> Iterator[str]:
    """A training label must end before the judged window begins."""
    judged = purchases.split.evaluation
    for model, cuts in (("ranker", purchases.split.ranker), ("two-tower", purchases.split.retrieval)):
        for cut in cuts:
            if cut + purchases.horizon > judged + timedelta(days=CLOCK):
                yield (
                    f"the test window is in training: the {model} learns purchases until "
                    f"{cut + purchases.horizon:%Y-%m-%d}, and is judged on those from {judged:%Y-%m-%d} on"
                )


def _histories(purchases: Purchases, at: datetime, known: Known) -> Iterator[str]:
    now = purchases.known[purchases.split.now]
    age = (purchases.split.now - at) / timedelta(days=1)
    last, first = known.history["days_since_last"], known.history["days_since_first"]

    place, both = _find(now.keys, known.keys)
    later = both & (now.history["days_since_first"][place] < age - CLOCK)
    yield from _said(later.sum() + (~both).sum(), "products in histories were first bought after it")
    lost = np.isin(now.keys[now.history["days_since_first"] > age + CLOCK], known.keys, invert=True)
    yield from _said(lost.sum(), "products bought before it are missing from histories")
    yield from _said((last < -CLOCK).sum(), "last purchases lie after it")
    # What was last bought before the snapshot has not changed since, but for its age.
    rests = both & (now.history["days_since_last"][place] > age + CLOCK)
    moved = np.abs(now.history["days_since_last"][place] - age - last) > CLOCK
    moved |= np.abs(now.history["days_since_first"][place] - age - first) > CLOCK
    moved |= now.history["baskets"][place] != known.history["baskets"]
    yield from _said((rests & moved).sum(), "purchases are dated or counted differently than later snapshots have them")

    label, window = purchases.before(at), f"baskets_{purchases.horizon.days // 7}w"
    if label is not None and window in known.history:
        recent = known.keys[known.history[window] > 0]
        apart = len(np.setxor1d(recent, purchases.labels[label], assume_unique=True))
        yield from _said(apart, f"products counted in {window} are not those of the labels from {label:%Y-%m-%d} on")

    for weeks in (2, 4, 8, 13):
        inside = known.history[f"baskets_{weeks}w"] > 0
        wrong = np.where(inside, last > 7 * weeks + CLOCK, last < 7 * weeks - CLOCK)
        yield from _said(wrong.sum(), f"counts of baskets_{weeks}w contradict the day of the last purchase")
    for days in (20, 60, 120):
        # Every basket weighs at most as much as the last one.
        weight, value = np.exp(-last / days), known.history[f"decayed_{days}d"]
        wrong = (value > known.history["baskets"] * weight * 1.01) | (value < weight * 0.99)
        yield from _said(wrong.sum(), f"sums of decayed_{days}d contradict the day of the last purchase")


def _recounts(known: Known) -> Iterator[str]:
    """Counts of products against the histories of everybody."""
    order = np.argsort(known.product)
    place, offered = _find(known.product[order], product_of(known.keys))
    at = order[place][offered]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(at, values[offered].astype(np.float64), minlength=len(known.product))

    baskets, last = known.history["baskets"], known.history["days_since_last"]
    first = known.history["days_since_first"]
    expected = {name: (total(known.history[column]),) * 2 for name, column in _SUMS.items()}
    expected |= {"buyers": (total(baskets > 0),) * 2, "rebuyers": (total(baskets > 1),) * 2}
    for windows, day in ((_BUYERS, last), (_FIRST_BUYERS, first)):
        for name, weeks in windows.items():
            expected[name] = (total(day < 7 * weeks - CLOCK), total(day <= 7 * weeks + CLOCK))
    for name, (least, most) in expected.items():
        wrong = (known.activity[name] < least - 0.5) | (known.activity[name] > most + 0.5)
        yield from _said(wrong.sum(), f"values of {name} are not what the customers' histories add up to")


def _said(count: int, what: str) -> Iterator[str]:
    if count:
        yield f"{int(count):,} {what}"


_PRODUCT_BITS = (1 << 32) - 1
_HISTORY_COLUMNS = [f"customer_history__{name}" for name in ("product_ids", *_HISTORY)]
_PRODUCT_COLUMNS = [f"product_activity__{name}" for name in _PRODUCT]


def key(customer: np.ndarray, product: np.ndarray) -> np.ndarray:
    """One number for a customer's and a product's codes."""
    key: np.ndarray = (customer.astype(np.int64) << 32) | product
    return key


def product_of(keys: np.ndarray) -> np.ndarray:
    """The products' codes in keys."""
    return keys & _PRODUCT_BITS


@dataclass(frozen=True)
class _Codes:
    customers: pa.Array
    products: pa.Array

    def keys(self, table: pa.Table, column: str) -> np.ndarray:
        """A key for every element of a list column, in the table's order."""
        products = table[column].combine_chunks()
        customer = pc.index_in(table["customer_id"], self.customers).to_numpy()
        return key(
            np.repeat(customer, pc.list_value_length(products).to_numpy()),
            pc.index_in(products.flatten(), self.products).to_numpy(),
        )

    def known(self, customers: pa.Table, products: pa.Table) -> Known:
        keys = self.keys(customers, "customer_history__product_ids")
        order = np.argsort(keys)
        history = {
            name: customers[f"customer_history__{name}"].combine_chunks().flatten().to_numpy()[order]
            for name in _HISTORY
        }
        activity = {name: pc.fill_null(products[f"product_activity__{name}"], 0).to_numpy() for name in _PRODUCT}
        codes = pc.index_in(products["product_id"], self.products).to_numpy()
        return Known(keys[order], history, codes, activity)


def _find(among: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each wanted value stands among sorted ones (any place if nowhere), and whether it does."""
    place = np.minimum(np.searchsorted(among, wanted), max(len(among) - 1, 0))
    return place, (among[place] == wanted) if len(among) else np.zeros(len(wanted), bool)


def _at(path: Path, snapshot: datetime, columns: list[str]) -> pa.Table:
    return pq.read_table(path, columns=columns, filters=[("snapshot", "=", snapshot)])


def _unique(columns: Iterable[pa.ChunkedArray]) -> pa.Array:
    return pc.unique(pa.chunked_array([chunk for column in columns for chunk in column.chunks]))
