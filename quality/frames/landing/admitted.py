"""The admitted tables of one day, as FROM expressions, and examples of their rows."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from core.duckdb_engine import quote_literal, read_parquet

RECENT_DAYS = 28


@dataclass(frozen=True)
class Admitted:
    """The admitted tables of one day, which starts at `instant` (naive UTC) in the shop's `timezone`."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    as_of: date
    instant: datetime
    timezone: str

    def table(self, name: str) -> str:
        """Return a FROM expression for an admitted table."""
        return read_parquet(self.folder / f"{name}.parquet")

    @property
    def local_time(self) -> str:
        """SQL expression: the time of a transaction in the shop's time zone."""
        return f"(transaction_at AT TIME ZONE 'UTC' AT TIME ZONE {quote_literal(self.timezone)})"

    @property
    def local_day(self) -> str:
        """SQL expression: the shop's calendar day of a transaction."""
        return f"CAST({self.local_time} AS DATE)"


def example(columns: str) -> str:
    """Return an aggregate that describes one of the rows, such as `product_id 17, quantity -2`."""
    parts = ", ".join(
        f"{quote_literal(name.partition('.')[2] or name)} || ' ' || {name}" for name in columns.split(", ")
    )
    return f"any_value(concat_ws(', ', {parts}))"
