"""Read a run's training set from disk: its customers and products, one snapshot at a time."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scoring.customer.customer import Customer
from scoring.schema import ACTIVITY, CONTENT, HISTORY, HISTORY_PRODUCT_IDS, PROFILE, TRAITS


@dataclass(frozen=True)
class Dataset:
    """Read the files that `build-dataset` wrote; every read names its snapshot.

    * `customers.parquet`: `snapshot, customer_id` and the features of `retrieval_query_v1`.
    * `products.parquet`: `snapshot, product_id` and the features of `retrieval_candidate_v1`.
    * `labels.parquet`: `snapshot, customer_id, product_ids`, the purchases in the horizon after the snapshot.
    """

    folder: Path

    def customers(self, snapshot: datetime) -> tuple[list[str], list[Customer]]:
        """Return the ids and features of customers with a purchase before the snapshot, ordered by id."""
        return customers_of(self._read("customers", snapshot).sort_by("customer_id"))

    def products(self, snapshot: datetime) -> "Products":
        """Return the products on offer at the snapshot (sold before, or on a coming promotion), ordered by id."""
        return Products(self._read("products", snapshot).sort_by("product_id"))

    def labels(self, snapshot: datetime) -> dict[str, np.ndarray]:
        """Return by customer the product ids, `[n]`, bought in the horizon after the snapshot."""
        table = self._read("labels", snapshot)
        return dict(zip(table["customer_id"].to_pylist(), _lists(table["product_ids"]), strict=True))

    def _read(self, name: str, snapshot: datetime) -> pa.Table:
        path = self.folder / f"{name}.parquet"
        return pq.read_table(path, filters=[("snapshot", "=", snapshot)])


def customers_of(table: pa.Table) -> tuple[list[str], list[Customer]]:
    """Return ids and customers of a table of `retrieval_query_v1`, in its order."""
    ids = table["customer_id"].to_pylist()
    products = _lists(table[HISTORY_PRODUCT_IDS])
    history = {name: _lists(table[f"customer_history__{name}"]) for name in HISTORY}
    profile = {name: _numbers(table[f"customer_profile__{name}"]) for name in PROFILE}
    traits = {name: pc.fill_null(table[f"customer_profile__{name}"], "").to_pylist() for name in TRAITS}
    customers = [
        Customer(
            product_ids=products[row],
            history={name: history[name][row] for name in HISTORY},
            profile={name: float(profile[name][row]) for name in PROFILE},
            traits={name: traits[name][row] for name in TRAITS},
        )
        for row in range(len(ids))
    ]
    return ids, customers



@dataclass(frozen=True)
class Products:
    """Give access to the columns of the products at one snapshot."""

    table: pa.Table

    @cached_property
    def product_ids(self) -> list[str]:
        """Return the ids, in the order of the table."""
        product_ids: list[str] = self.table["product_id"].to_pylist()
        return product_ids

    @cached_property
    def names(self) -> list[str]:
        """Return the names, `""` where a product has none."""
        return self._strings("product_name")

    @property
    def sold(self) -> list[str]:
        """Return the ids of the products sold in the four weeks before the snapshot."""
        table = self.table.filter(pc.greater(self.table["product_activity__baskets_4w"], 0))
        product_ids: list[str] = table["product_id"].to_pylist()
        return product_ids

    def content(self) -> dict[str, list[str]]:
        """Return the categorical values `[products]` by the names of `schema.CONTENT`."""
        return {field: self._strings(field) for field in CONTENT}

    @cached_property
    def activity(self) -> np.ndarray:
        """Return the activity features, float32 `[products, len(schema.ACTIVITY)]`."""
        columns = [_numbers(self.table[f"product_activity__{name}"]) for name in ACTIVITY]
        return np.column_stack(columns).astype(np.float32)

    def _strings(self, name: str) -> list[str]:
        strings: list[str] = pc.fill_null(self.table[f"product_content__{name}"], "").to_pylist()
        return strings


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    numbers: np.ndarray = pc.fill_null(column.cast(pa.float64()), 0.0).to_numpy()
    return numbers


def _lists(column: pa.ChunkedArray) -> list[np.ndarray]:
    """Return one array per row, as views into one buffer."""
    array = column.combine_chunks()
    values = array.flatten()
    flat = values.to_numpy(zero_copy_only=False)
    if pa.types.is_floating(values.type):
        flat = flat.astype(np.float32, copy=False)
    offsets = array.offsets.to_numpy() - array.offsets[0].as_py()
    return [flat[offsets[row] : offsets[row + 1]] for row in range(len(array))]
