"""Read what every customer spent in every week or day, from admitted or landed transactions."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from core.duckdb_engine import connect, read_parquet
from experiments.errors import ExperimentError
from settings import Settings

MEMORY_LIMIT = "512MB"

_COLUMNS = {"customer_id", "transaction_at", "sales_value"}


@dataclass(frozen=True)
class WeeklySpend:
    """Spend of all customers.

    Attributes:
        customer_ids: Text `[customers]`, ascending.
        spend: Float `[customers, periods]`, the oldest whole period first.
        until: The instant at which the last period ends, naive UTC.
        source: The file that was read.
    """

    customer_ids: np.ndarray
    spend: np.ndarray
    until: datetime
    source: Path


def transactions_file(settings: Settings) -> Path:
    """Return the transactions of the accepted admission, or else of the landed demo data.

    Raises:
        ExperimentError: Neither exists.
    """
    admitted, landed = settings.paths.admitted / "transactions.parquet", settings.paths.demo_landing
    for file in (admitted, landed / "transactions.parquet"):
        if file.is_file():
            return file
    raise ExperimentError(
        f"There are no transactions at {admitted} nor in {landed}. Run 'make demo', or '.venv/bin/python -m landing "
        "admit' for the data alone, or name a Parquet file with --transactions."
    )


def read_weekly_spend(file: Path, settings: Settings, days: int = 7) -> WeeklySpend:
    """Read spend by customer and period; periods count back from the day after the last transaction.

    Args:
        file: Parquet with customer_id, transaction_at (UTC) and sales_value; rows without a customer are left out.
        settings: The shop's time zone, and the memory limit.
        days: The length of a period; 7 for weeks.

    Raises:
        ExperimentError: The file cannot be read, lacks a column, or holds no customer.
    """
    try:
        with connect(settings.data / "spill", settings.duckdb_memory(MEMORY_LIMIT)) as connection:
            rows, until = _read(connection, file, settings, days)
    except duckdb.Error as error:
        raise ExperimentError(f"{file} cannot be read as Parquet: {error}. Name another file.") from error
    ids, index = np.unique(rows["customer_id"], return_inverse=True)
    periods = int(rows["period"].max())  # the oldest one is not whole
    spend = np.zeros((len(ids), periods + 1))
    np.add.at(spend, (index, periods - rows["period"]), rows["spend"])
    return WeeklySpend(ids, spend[:, 1:], until, file)


def _read(
    connection: duckdb.DuckDBPyConnection, file: Path, settings: Settings, days: int
) -> tuple[dict[str, np.ndarray], datetime]:
    source = read_parquet(file)
    found = {name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    if missing := sorted(_COLUMNS - found):
        raise ExperimentError(f"{file} has no column {', '.join(missing)}. It must hold a landing's transactions.")
    newest = connection.execute(
        f"SELECT max(transaction_at)::TIMESTAMP FROM {source} WHERE customer_id IS NOT NULL"
    ).fetchone()
    if newest is None or newest[0] is None:
        raise ExperimentError(f"{file} has no transaction of a known customer.")
    until = settings.start_of_day(_as_of(file, newest[0], settings))
    rows = connection.execute(
        f"""
        SELECT customer_id::VARCHAR AS customer_id,
               (ceil((epoch(?::TIMESTAMP) - epoch(transaction_at::TIMESTAMP)) / {86400 * days}) - 1)::INTEGER AS period,
               sum(sales_value)::DOUBLE AS spend
        FROM {source}
        WHERE customer_id IS NOT NULL AND transaction_at::TIMESTAMP < ?::TIMESTAMP
        GROUP BY ALL
        """,
        [until, until],
    ).fetchnumpy()
    return {name: np.asarray(column) for name, column in rows.items()}, until


def _as_of(file: Path, newest: datetime, settings: Settings) -> date:
    """Return the day of the admission, or else the local day after the newest row."""
    manifest = file.with_name("manifest.json")
    if settings.as_of is not None:
        return settings.as_of
    if manifest.is_file():
        return date.fromisoformat(json.loads(manifest.read_text())["as_of"])
    return newest.replace(tzinfo=UTC).astimezone(ZoneInfo(settings.timezone)).date() + timedelta(days=1)
