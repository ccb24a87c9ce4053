"""Turn DuckDB queries into pandas frames."""

from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa


def frame(connection: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """Return the query's rows; text becomes categories, because ids repeat, and `subject` stays plain text."""
    rows: pa.Table = connection.sql(query).to_arrow_table()
    found: pd.DataFrame = rows.to_pandas(strings_to_categorical=True)
    return found.astype({"subject": object}) if "subject" in found.columns else found


def one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Return the only row of an aggregate, read to its end because an unfinished result would block the connection."""
    row: tuple[Any, ...] = connection.execute(query).fetchall()[0]
    return row
