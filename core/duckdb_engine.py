"""Open bounded DuckDB connections, and quote what goes into their SQL."""

from pathlib import Path

import duckdb


def connect(spill: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open a connection in memory that writes temporary files only below `spill`.

    The session's time zone is UTC, so a timestamp with an offset becomes naive UTC and one without is read as UTC.

    Args:
        spill: The folder for what does not fit into memory.
        memory_limit: A share of the machine's memory such as `25%`, or an amount such as `512MB`.
    """
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "true",
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def quote_literal(value: object) -> str:
    """Return the value's text as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quote_identifier(identifier: str) -> str:
    """Return a column or table name as an SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def read_parquet(*files: Path) -> str:
    """Return a FROM expression for one file or several."""
    quoted = [quote_literal(file) for file in files]
    return f"read_parquet({quoted[0] if len(quoted) == 1 else '[' + ', '.join(quoted) + ']'})"
