"""Summarise a training set's points in time and labels in small frames."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from core.duckdb_engine import quote_literal, read_parquet
from quality.frames.engine import frame

HORIZON = timedelta(weeks=4)
"""The time after a snapshot in which a label's products were bought."""

_CLOCK_CHANGE = timedelta(hours=2)  # four local weeks are not always 672 hours


def moments(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[datetime]:
    """Return the points in time of the customers' features, naive UTC."""
    query = f"SELECT DISTINCT CAST(snapshot AS TIMESTAMP) FROM {read_parquet(folder / 'customers.parquet')}"
    return [row[0] for row in connection.execute(query).fetchall()]


def points_in_time(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row per snapshot of features: `subject`, and its number of `customers` and `products`."""
    counts = " FULL JOIN ".join(
        f"(SELECT CAST(snapshot AS TIMESTAMP) AS snapshot, count(*) AS {name} "
        f"FROM {read_parquet(folder / f'{name}.parquet')} GROUP BY 1) {join}"
        for name, join in (("customers", ""), ("products", "USING (snapshot)"))
    )
    return frame(
        connection,
        f"""
        SELECT {_day("snapshot")} AS subject, coalesce(customers, 0) AS customers,
               coalesce(products, 0) AS products
        FROM {counts} ORDER BY snapshot""",
    )


def labels(connection: duckdb.DuckDBPyConnection, folder: Path, instant: datetime) -> pd.DataFrame:
    """Return one row per labelled snapshot; as_of starts at `instant` (naive UTC).

    Columns:
        customers: Customers with a label.
        size_ratio: Products per customer, relative to the median snapshot.
        shortest: Products of the shortest label.
        repeated: Products that a label names more than once.
        closed: Whether the window ended before as_of.
        without_features: Share of customers without features.
        repeat_share: Share of labelled products that the customer had bought before.
    """
    last = instant - HORIZON + _CLOCK_CHANGE
    return frame(
        connection,
        f"""
        WITH label AS (
            SELECT CAST(snapshot AS TIMESTAMP) AS snapshot, customer_id, product_ids
            FROM {read_parquet(folder / "labels.parquet")}
        ),
        customer AS (
            SELECT CAST(snapshot AS TIMESTAMP) AS snapshot, customer_id,
                   customer_history__product_ids AS bought
            FROM {read_parquet(folder / "customers.parquet")}
        ),
        joined AS (
            SELECT label.*, len(product_ids) AS size, bought IS NULL AS without_features,
                   CASE WHEN bought IS NOT NULL THEN len(product_ids) END AS size_if_known,
                   len(list_intersect(product_ids, bought)) AS repeats
            FROM label LEFT JOIN customer USING (snapshot, customer_id)
        ),
        summed AS (
            SELECT snapshot, count(*) AS customers, avg(size) AS size, min(size) AS shortest,
                   max(size - len(list_distinct(product_ids))) AS repeated,
                   avg(CAST(without_features AS INTEGER)) AS without_features,
                   coalesce(sum(repeats) / sum(size_if_known), 0) AS repeat_share
            FROM joined GROUP BY snapshot
        )
        SELECT {_day("snapshot")} AS subject, customers, size / median(size) OVER () AS size_ratio, shortest,
               repeated, snapshot <= TIMESTAMP {quote_literal(last)} AS closed, without_features, repeat_share
        FROM summed ORDER BY snapshot""",
    )


def all_labels(label: pd.DataFrame) -> pd.DataFrame:
    """Return one row about all labels: `subject`, and `without_features`, the share of labelled customers without."""
    unknown = (label["customers"] * label["without_features"]).sum()
    return pd.DataFrame({"subject": ["labels"], "without_features": [unknown / max(label["customers"].sum(), 1)]})


def _day(column: str) -> str:
    return f"strftime({column}, '%Y-%m-%d %H:%M')"
