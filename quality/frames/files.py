"""Are the boundary's files there, whole and not empty? One row a file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from quality.frames.engine import one_row, parquet


def files_frame(connection: duckdb.DuckDBPyConnection, folder: Path, least_rows: Mapping[str, int]) -> pd.DataFrame:
    """`subject` (the file's name), `readable`, `rows` (0 if not readable), `least_rows`, one row a table."""
    rows = []
    for table, least in least_rows.items():
        count = _rows(connection, folder / f"{table}.parquet")
        rows.append((f"{table}.parquet", count is not None, count or 0, least))
    return pd.DataFrame(rows, columns=["subject", "readable", "rows", "least_rows"])


def admitted_files_frame(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """The files of an admission, and `as_admitted`: rows and SHA-256 are those of its manifest."""
    needed = {table: int(table in {"transactions", "products"}) for table in tables}
    frame = files_frame(connection, folder, needed)
    frame["as_admitted"] = [
        row.rows == tables[table]["rows"] and _sha256(folder / f"{table}.parquet") == tables[table]["sha256"]
        for table, row in zip(tables, frame.itertuples(), strict=True)
    ]
    return frame


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(connection: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    """From the file's footer, which a truncated file has lost; None if it cannot be read."""
    try:
        return int(one_row(connection, f"SELECT count(*) FROM {parquet(path)}")[0])
    except duckdb.Error:
        return None
