"""A bounded DuckDB connection, and the one way from a query to a frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa


@contextmanager
def connect(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory, in UTC, of at most a quarter of the machine's memory, that spills below `spill`."""
    with duckdb.connect(
        config={
            "memory_limit": "25%",
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
        }
    ) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def frame(connection: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """The query's rows; words as categories, for ids repeat, but `subject` as plain text."""
    rows: pa.Table = connection.sql(query).to_arrow_table()
    found: pd.DataFrame = rows.to_pandas(strings_to_categorical=True)
    return found.astype({"subject": object}) if "subject" in found.columns else found


def one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The only row of an aggregate, read to its end: an unfinished result would block the connection."""
    row: tuple[Any, ...] = connection.execute(query).fetchall()[0]
    return row


def parquet(path: Path) -> str:
    """A FROM expression."""
    return f"read_parquet({text(path)})"


def text(value: object) -> str:
    """An SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"
