"""The one DuckDB connection an admission uses: in memory, bounded, spilling inside the data directory."""

from pathlib import Path

import duckdb


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """Open a connection that streams: it holds no table and writes temporary files only below `spill`.

    The session's time zone is UTC, so that a timestamp with an offset becomes naive UTC and one without
    is taken as UTC.
    """
    connection = duckdb.connect(
        config={
            "memory_limit": "512MB",
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "true",
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def literal(text: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def name(identifier: str) -> str:
    """A column or table name as an SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'
