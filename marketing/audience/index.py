"""Read the published index of purchases: customers as columns, and the past buyers of each item in one slice.

Three files, which `python -m ml.customers score` writes:

* `audience_customers.parquet`: customer_id, `CUSTOMER_COLUMNS` and taste (a unit vector made of the categories bought),
  one row per customer, by customer_id. The position of a row is the customer's number.
* `audience_items.parquet`: kind, item_id, name, parent (the row of the department of a category, of the category of a
  product; -1 if it has none), first_row, rows, mailer_stores_next; by kind and item_id.
* `audience_buyers.arrow`: customer (a number) and `BUYER_COLUMNS`, one row per item and past buyer. The rows of an item
  are `rows` rows from `first_row` on, by customer. The file is memory-mapped, so only the slices of the items asked for
  are read.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marketing.errors import ScoresError

CUSTOMERS, ITEMS, BUYERS = "audience_customers.parquet", "audience_items.parquet", "audience_buyers.arrow"
CATEGORY, DEPARTMENT, PRODUCT = "category", "department", "product"
CUSTOMER_COLUMNS = (
    "spend_13w", "spend_4w", "baskets_13w", "baskets_4w", "days_since_last_basket", "products", "new_product_share_8w",
)  # fmt: skip
BUYER_COLUMNS = ("baskets_4w", "baskets_13w", "baskets", "days_since_last")


@dataclass(frozen=True)
class PastBuyers:
    """Customers who bought something before, and how often.

    Attributes:
        customers: their numbers, ascending, `[buyers]`.
        bought: `BUYER_COLUMNS` of each, float32 `[buyers, columns]`.
    """

    customers: np.ndarray
    bought: np.ndarray


@dataclass(frozen=True)
class AudienceIndex:
    """An opened index.

    Attributes:
        customer_ids: ids by number, ascending.
        customers: `CUSTOMER_COLUMNS` of each customer, float32 `[customers, columns]`.
        taste: of each customer, float32 `[customers, width]`.
        items: the table of items.
        buyers: the memory-mapped table of past buyers.
    """

    customer_ids: pa.Array
    customers: np.ndarray
    taste: np.ndarray
    items: pa.Table
    buyers: pa.Table

    @classmethod
    def open(cls, folder: Path) -> "AudienceIndex":
        """Open the index in a folder of published scores.

        Raises:
            ScoresError: a file is missing or is not what this code reads.
        """
        try:
            customers = pq.read_table(folder / CUSTOMERS)
            items = pq.read_table(folder / ITEMS)
            buyers = pa.ipc.open_file(pa.memory_map(str(folder / BUYERS))).read_all()
            columns = [customers.column(name).to_numpy() for name in CUSTOMER_COLUMNS]
            ids = customers.column("customer_id").combine_chunks()
            taste = customers.column("taste").combine_chunks().flatten().to_numpy().reshape(len(ids), -1)
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            raise ScoresError(
                f"The scores for audiences in {folder} cannot be read ({error}). Score the customers first: "
                "'.venv/bin/python -m ml.customers score --run-id …'."
            ) from error
        return cls(ids, np.stack(columns, axis=1).astype(np.float32), taste, items, buyers)

    @cached_property
    def numbers(self) -> dict[str, dict[str, int]]:
        """Return each item's row by kind and id."""
        found: dict[str, dict[str, int]] = {CATEGORY: {}, DEPARTMENT: {}, PRODUCT: {}}
        ids = zip(self.items.column("kind").to_pylist(), self.items.column("item_id").to_pylist(), strict=True)
        for row, (kind, item_id) in enumerate(ids):
            found[kind][item_id] = row
        return found

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Return the numbers of each item by column."""
        names = ("parent", "first_row", "rows", "mailer_stores_next")
        return {name: self.items.column(name).to_numpy() for name in names}

    def past_buyers(self, items: list[int]) -> PastBuyers:
        """Return who ever bought any of these items.

        Counts of several items are added, so a basket with two of them counts twice.
        """
        slices = [self._slice(item) for item in items if item >= 0]
        if len(slices) == 1:
            return slices[0]
        if not slices:
            return PastBuyers(np.empty(0, np.int64), np.empty((0, len(BUYER_COLUMNS)), np.float32))
        bought = np.concatenate([part.bought for part in slices])
        customers, position = np.unique(np.concatenate([part.customers for part in slices]), return_inverse=True)
        together = np.empty((len(customers), len(BUYER_COLUMNS)), np.float32)
        for column, name in enumerate(BUYER_COLUMNS):
            if name == "days_since_last":
                together[:, column] = np.inf
                np.minimum.at(together[:, column], position, bought[:, column])
            else:
                together[:, column] = np.bincount(position, bought[:, column], len(customers))
        return PastBuyers(customers, together)

    def parents(self, items: list[int]) -> list[int]:
        """Return the distinct parents of items."""
        return sorted({int(self.columns["parent"][item]) for item in items} - {-1})

    def _slice(self, item: int) -> PastBuyers:
        rows = self.buyers.slice(int(self.columns["first_row"][item]), int(self.columns["rows"][item]))
        bought = np.stack([rows.column(name).to_numpy() for name in BUYER_COLUMNS], axis=1)
        return PastBuyers(rows.column("customer").to_numpy(), bought)
