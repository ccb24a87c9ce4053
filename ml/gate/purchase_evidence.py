"""Purchases according to a run's features and labels, encoded so that they can be compared.

A customer and a product are encoded as one number (`key`), so a set of purchases is a sorted array.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.data.splits import Split
from scoring.schema import HISTORY_PRODUCT_IDS

CLOCK_TOLERANCE_DAYS = 0.1
"""Days by which two instants may differ, because clocks change and purchases fall on the edge of a window."""

CHECKED_SNAPSHOTS = 2
"""The number of training snapshots whose features are recounted."""

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
BUYER_WEEKS = {"buyers_1w": 1, "buyers_2w": 2, "buyers_4w": 4, "buyers_8w": 8, "buyers_13w": 13, "buyers_26w": 26}
FIRST_BUYER_WEEKS = {"first_buyers_4w": 4, "first_buyers_8w": 8}
HISTORY_SUMS = {"baskets": "baskets", "baskets_4w": "baskets_4w", "baskets_13w": "baskets_13w"}
_PRODUCT = ("buyers", "rebuyers", *BUYER_WEEKS, *FIRST_BUYER_WEEKS, *HISTORY_SUMS)


@dataclass(frozen=True)
class SnapshotFeatures:
    """Purchases according to the features of one snapshot.

    Attributes:
        keys: int64 `[entries]`, one for each customer and product ever bought, ascending (see `key`).
        history: Features of each entry, `[entries]` by name.
        product: Codes of the products on offer.
        activity: Features of each product, `[products]` by name.
    """

    keys: np.ndarray
    history: Mapping[str, np.ndarray]
    product: np.ndarray
    activity: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class PurchaseEvidence:
    """Purchases according to a run: features at its newest snapshots, labels at all snapshots.

    Attributes:
        split: The run's snapshots.
        horizon: The length of a label's window.
        known: The features by snapshot.
        labels: By snapshot, the keys of purchases in the horizon after it, ascending.
    """

    split: Split
    horizon: timedelta
    known: Mapping[datetime, SnapshotFeatures]
    labels: Mapping[datetime, np.ndarray]

    @classmethod
    def read(cls, dataset: Path, split: Split, weeks: int) -> "PurchaseEvidence":
        """Read the files of `build-dataset`: features of now, of the evaluation and of the newest training snapshots.

        All features come from one build, so an error at other snapshots is also visible at these.
        """
        instants = [split.now, split.evaluation, *split.ranker[:CHECKED_SNAPSHOTS]]
        customers = {at: _at(dataset / "customers.parquet", at, ["customer_id", *_HISTORY_COLUMNS]) for at in instants}
        products = {at: _at(dataset / "products.parquet", at, ["product_id", *_PRODUCT_COLUMNS]) for at in instants}
        bought = pq.read_table(dataset / "labels.parquet")
        codes = _Codes(
            customers=_unique(table["customer_id"] for table in (bought, *customers.values())),
            products=_unique(
                [pc.list_flatten(bought["product_ids"])]
                + [pc.list_flatten(table[HISTORY_PRODUCT_IDS]) for table in customers.values()]
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
        """Return the snapshot whose label ends at `at`, if the run has it; clocks may change by an hour."""
        return next((t for t in self.labels if abs(t + self.horizon - at) < timedelta(days=CLOCK_TOLERANCE_DAYS)), None)


_PRODUCT_BITS = (1 << 32) - 1
_HISTORY_COLUMNS = [f"customer_history__{name}" for name in ("product_ids", *_HISTORY)]
_PRODUCT_COLUMNS = [f"product_activity__{name}" for name in _PRODUCT]


def key(customer: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Return one number for the codes of a customer and a product."""
    key: np.ndarray = (customer.astype(np.int64) << 32) | product
    return key


def product_of(keys: np.ndarray) -> np.ndarray:
    """Return the products' codes in keys."""
    return keys & _PRODUCT_BITS


@dataclass(frozen=True)
class _Codes:
    customers: pa.Array
    products: pa.Array

    def keys(self, table: pa.Table, column: str) -> np.ndarray:
        """Return a key for every element of a list column, in the table's order."""
        products = table[column].combine_chunks()
        customer = pc.index_in(table["customer_id"], self.customers).to_numpy()
        return key(
            np.repeat(customer, pc.list_value_length(products).to_numpy()),
            pc.index_in(products.flatten(), self.products).to_numpy(),
        )

    def known(self, customers: pa.Table, products: pa.Table) -> SnapshotFeatures:
        keys = self.keys(customers, HISTORY_PRODUCT_IDS)
        order = np.argsort(keys)
        history = {
            name: customers[f"customer_history__{name}"].combine_chunks().flatten().to_numpy()[order]
            for name in _HISTORY
        }
        activity = {name: pc.fill_null(products[f"product_activity__{name}"], 0).to_numpy() for name in _PRODUCT}
        codes = pc.index_in(products["product_id"], self.products).to_numpy()
        return SnapshotFeatures(keys[order], history, codes, activity)


def _at(path: Path, snapshot: datetime, columns: list[str]) -> pa.Table:
    return pq.read_table(path, columns=columns, filters=[("snapshot", "=", snapshot)])


def _unique(columns: Iterable[pa.ChunkedArray]) -> pa.Array:
    return pc.unique(pa.chunked_array([chunk for column in columns for chunk in column.chunks]))
