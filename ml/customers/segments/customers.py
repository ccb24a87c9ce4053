"""Read the customers of one snapshot as arrays: spend, purchases by category, and what they did later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

CATEGORIES = "feat_customer_categories"
PROFILE = "feat_customer_profile"


@dataclass(frozen=True)
class Customers:
    """The customers of a snapshot, sorted by id.

    Attributes:
        snapshot: naive UTC.
        ids: customer ids, `[n]`.
        spend: money spent in the 26 weeks before, float `[n]`. Purchases without a category count for 13 weeks.
        recency: days since the last basket, float `[n]`.
        baskets: baskets in the 13 weeks before, float `[n]`.
        categories: the columns of `category_spend`.
        category_spend: money by category in the 26 weeks before, `[n, categories]`; returns count as 0.
        category_baskets: baskets by category in the 26 weeks before, summed over categories, float `[n]`.
    """

    snapshot: datetime
    ids: np.ndarray
    spend: np.ndarray
    recency: np.ndarray
    baskets: np.ndarray
    categories: list[str]
    category_spend: csr_matrix
    category_baskets: np.ndarray

    def take(self, rows: np.ndarray) -> "Customers":
        """Return the customers at these positions, in this order; a position may occur several times."""
        return Customers(
            self.snapshot,
            self.ids[rows],
            self.spend[rows],
            self.recency[rows],
            self.baskets[rows],
            self.categories,
            self.category_spend[rows],
            self.category_baskets[rows],
        )


def read_categories(connection: duckdb.DuckDBPyConnection, snapshot: datetime) -> list[str]:
    """Return the categories that anybody bought before a snapshot, sorted."""
    rows = connection.execute(
        f"SELECT DISTINCT unnest(categories) AS category FROM {CATEGORIES} WHERE event_timestamp = ? ORDER BY category",
        [snapshot],
    ).fetchall()
    return [category for (category,) in rows]


def read_customers(
    connection: duckdb.DuckDBPyConnection, snapshot: datetime, categories: list[str] | None = None
) -> Customers:
    """Read the customers of a snapshot.

    Args:
        connection: has a view of each feature table.
        snapshot: one of the tables' points in time.
        categories: the columns of `category_spend`; by default those that were bought before the snapshot.
    """
    categories = read_categories(connection, snapshot) if categories is None else categories
    found = connection.sql(
        f"""
        SELECT customer_id, spend_13w, days_since_last_basket, {PROFILE}.baskets_13w, categories, spend_26w,
               coalesce(list_sum(spend_26w), 0) AS category_spend, coalesce(list_sum(baskets_26w), 0) AS purchases
        FROM {PROFILE} LEFT JOIN {CATEGORIES} USING (customer_id, event_timestamp)
        WHERE event_timestamp = ? ORDER BY customer_id
        """,
        params=[snapshot],
    ).to_arrow_table()
    profile = {
        name: pc.fill_null(found[name].cast(pa.float64()), 0).to_numpy()
        for name in ("spend_13w", "days_since_last_basket", "baskets_13w", "category_spend", "purchases")
    }
    return Customers(
        snapshot=snapshot,
        ids=np.asarray(found["customer_id"].to_pylist(), dtype=str),
        spend=np.maximum(profile["category_spend"], profile["spend_13w"]),
        recency=profile["days_since_last_basket"],
        baskets=profile["baskets_13w"],
        categories=categories,
        category_spend=matrices_of(found, categories, ["spend_26w"])[0],
        category_baskets=profile["purchases"],
    )


def matrices_of(customers: pa.Table, categories: list[str], columns: Sequence[str]) -> list[csr_matrix]:
    """Return list columns as matrices `[customers, categories]` without what is not above 0.

    Args:
        customers: one row per customer, with the list `categories` and lists that belong to it item by item; the lists
            of a customer may be missing.
        categories: the columns of the matrices.
        columns: the lists to return, such as `spend_26w`.
    """
    lists = customers["categories"].combine_chunks()
    rows = pc.list_parent_indices(lists).to_numpy()
    found = pc.index_in(pc.list_flatten(lists), pa.array(categories, pa.string()))
    indices = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
    matrices = []
    for column in columns:
        amounts = pc.list_flatten(customers[column].combine_chunks()).to_numpy(zero_copy_only=False)
        kept = (indices >= 0) & (amounts > 0)
        values = amounts[kept].astype(np.float32)
        matrices.append(csr_matrix((values, (rows[kept], indices[kept])), (len(customers), len(categories))))
    return matrices


def spend_between(connection: duckdb.DuckDBPyConnection, ids: np.ndarray, four_week_ends: list[datetime]) -> np.ndarray:
    """Return what each customer spent in the four weeks before each of these snapshots together, float `[n]`."""
    found = connection.execute(
        f"""
        SELECT customer_id, sum(spend_4w) AS spend FROM {PROFILE}
        WHERE event_timestamp IN (SELECT unnest(?)) GROUP BY customer_id ORDER BY customer_id
        """,
        [four_week_ends],
    ).fetchnumpy()
    return align(np.asarray(found["customer_id"], dtype=str), _floats(found["spend"]), ids, 0.0)


def department_mix(
    connection: duckdb.DuckDBPyConnection, ids: np.ndarray, snapshot: datetime, amounts: str
) -> np.ndarray:
    """Return the share of each department in what a customer bought before a snapshot, float `[n, departments]`.

    Args:
        connection: has a view of each feature table.
        ids: the customers, sorted.
        snapshot: one of the tables' points in time.
        amounts: the list column that is added up, such as `spend_26w`.

    Returns:
        Rows that sum to 1, or NaN for a customer who bought nothing.
    """
    found = connection.execute(
        f"""
        WITH bought AS (
            SELECT customer_id, unnest(departments) AS department, unnest({amounts}) AS amount
            FROM {CATEGORIES} WHERE event_timestamp = ?
        )
        SELECT customer_id, department, sum(amount) AS amount
        FROM bought WHERE amount > 0 GROUP BY customer_id, department ORDER BY customer_id, department
        """,
        [snapshot],
    ).fetchnumpy()
    owners = np.asarray(found["customer_id"], dtype=str)
    departments, columns = np.unique(np.asarray(found["department"], dtype=str), return_inverse=True)
    rows, known = positions(ids, owners)
    mix = np.zeros((len(ids), len(departments)))
    mix[rows[known], columns[known]] = _floats(found["amount"])[known]
    totals = mix.sum(axis=1, keepdims=True)
    return np.where(totals > 0, mix / np.where(totals > 0, totals, 1), np.nan)


def positions(sorted_ids: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each wanted id lies among sorted ids, and whether it is there at all."""
    if len(sorted_ids) == 0:
        return np.zeros(len(wanted), dtype=int), np.zeros(len(wanted), dtype=bool)
    found = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
    return found, sorted_ids[found] == wanted


def align(sorted_ids: np.ndarray, values: np.ndarray, wanted: np.ndarray, missing: object) -> np.ndarray:
    """Return the values of the wanted ids, and `missing` for an id that has none."""
    rows, known = positions(sorted_ids, wanted)
    aligned = np.full(len(wanted), missing, dtype=values.dtype)
    aligned[known] = values[rows[known]]
    return aligned


def _floats(column: object) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(column, dtype=np.float64), 0.0)
