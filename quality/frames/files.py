"""Check that the checkpoint's files exist, are whole and have rows: one row per file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from core.duckdb_engine import read_parquet
from core.files.hashes import file_sha256
from quality.frames.engine import one_row


def files_frame(connection: duckdb.DuckDBPyConnection, folder: Path, least_rows: Mapping[str, int]) -> pd.DataFrame:
    """Return one row per table: `subject` (the file's name), `readable`, `rows` (0 if not readable), `least_rows`."""
    rows = []
    for table, least in least_rows.items():
        count = _rows(connection, folder / f"{table}.parquet")
        rows.append((f"{table}.parquet", count is not None, count or 0, least))
    return pd.DataFrame(rows, columns=["subject", "readable", "rows", "least_rows"])


def admitted_files_frame(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Return the files of an admission with `as_admitted`: whether rows and SHA-256 are those of its manifest."""
    needed = {table: int(table in {"transactions", "products"}) for table in tables}
    frame = files_frame(connection, folder, needed)
    frame["as_admitted"] = [
        bool(row.readable)
        and row.rows == tables[table]["rows"]
        and file_sha256(folder / f"{table}.parquet") == tables[table]["sha256"]
        for table, row in zip(tables, frame.itertuples(), strict=True)
    ]
    return frame


def _rows(connection: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    """Return the number of rows from the file's footer; None if it cannot be read, as in a truncated file."""
    try:
        return int(one_row(connection, f"SELECT count(*) FROM {read_parquet(path)}")[0])
    except duckdb.Error:
        return None
