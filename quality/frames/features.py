"""Summarise the staged feature tables and the training set made from them in small frames."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from core.duckdb_engine import quote_literal, read_parquet
from quality.frames.engine import frame, one_row


def bought_until(connection: duckdb.DuckDBPyConnection, admitted: Path) -> datetime:
    """Return the time of the newest admitted purchase of a customer (naive UTC); the year 1 if there is none."""
    source = read_parquet(admitted / "transactions.parquet")
    query = (
        f"SELECT max(transaction_at) FROM {source} WHERE customer_id IS NOT NULL AND quantity >= 0 AND sales_value >= 0"
    )
    return one_row(connection, query)[0] or datetime.min


def keys(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, Sequence[str]], moment: str
) -> pd.DataFrame:
    """Return one row per table: `subject`; `repeated` rows of the same key; `missing` parts of keys.

    Args:
        connection: The connection that runs the queries.
        folder: The folder of the tables.
        tables: The key columns of each table.
        moment: The time column, which is part of every key.
    """
    rows = []
    for table, names in tables.items():
        parts = [*names, moment]
        gaps = " + ".join(f"count(*) - count({part})" for part in parts)
        distinct = f"(SELECT count(*) FROM (SELECT DISTINCT {', '.join(parts)} FROM {{0}}))"
        source = read_parquet(folder / f"{table}.parquet")
        found = one_row(connection, f"SELECT count(*) - {distinct.format(source)}, {gaps} FROM {source}")
        rows.append((table, *found))
    return pd.DataFrame(rows, columns=["subject", "repeated", "missing"])


def times(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Sequence[str], instant: datetime
) -> pd.DataFrame:
    """Return one row per feature table: `late` rows true or known after as_of; `early` rows known before true."""
    queries = (
        f"SELECT {quote_literal(table)} AS subject,"
        f" count(*) FILTER (greatest(event_timestamp, created_timestamp) > TIMESTAMP {quote_literal(instant)}) AS late,"
        " count(*) FILTER (created_timestamp < event_timestamp) AS early"
        f" FROM {read_parquet(folder / f'{table}.parquet')}"
        for table in tables
    )
    return frame(connection, " UNION ALL ".join(queries))


def snapshots(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Sequence[str], expected: Sequence[datetime]
) -> pd.DataFrame:
    """Return one row per table and point in time, oldest first.

    Columns: `subject`; `expected`, whether the day has this point in time; `rows`; `rows_before`, the rows of the point
    in time before.
    """
    found: list[tuple[str, bool, int, int]] = []
    for table in tables:
        path = read_parquet(folder / f"{table}.parquet")
        counts = dict(connection.execute(f"SELECT event_timestamp, count(*) FROM {path} GROUP BY 1").fetchall())
        moments = [None, *sorted({*counts, *expected})]
        found += [
            (f"{table} {moment:%Y-%m-%d %H:%M}", moment in expected, counts.get(moment, 0), counts.get(before, 0))
            for before, moment in pairwise(moments)
        ]
    return pd.DataFrame(found, columns=["subject", "expected", "rows", "rows_before"])


def facts(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row of counts about rows of one feature table that are missing in another."""
    history, profiles, content, activity, purchases = (
        read_parquet(folder / f"feat_{name}.parquet")
        for name in (
            "customer_history",
            "customer_profile",
            "product_content",
            "product_activity",
            "customer_purchases",
        )
    )
    by_customer = "USING (customer_id, event_timestamp)"
    return frame(
        connection,
        f"""
        SELECT 'features' AS subject,
               (SELECT count(*) FROM {activity} ANTI JOIN {content} USING (product_id)) AS active_without_content,
               (SELECT count(DISTINCT product_id) FROM
                   (SELECT unnest(product_ids) AS product_id FROM {purchases})
                   ANTI JOIN {content} USING (product_id)) AS bought_without_content,
               (SELECT count(*) FROM {history} ANTI JOIN {profiles} {by_customer})
                   + (SELECT count(*) FROM {profiles} ANTI JOIN {history} {by_customer}) AS unpaired_customers,
               (SELECT count(*) FROM {purchases} ANTI JOIN {history} {by_customer})
                   AS purchases_without_history""",
    )


def lists(path: Path) -> pd.DataFrame:
    """Return one row per row group of the file: `subject`; `shortest` and `longest` of its list columns, in elements.

    Read from the file's footer, because the lists themselves are long.
    """
    metadata = pq.ParquetFile(path).metadata
    rows = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(column) for column in range(group.num_columns)]
        elements = [column.num_values for column in columns if "." in column.path_in_schema]
        rows.append((f"{path.stem} part {number + 1}", min(elements), max(elements)))
    return pd.DataFrame(rows, columns=["subject", "shortest", "longest"])
