"""Read what customers bought before and after the decision about them, from admitted transactions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa

from core.duckdb_engine import connect, read_parquet
from experiments.errors import ExperimentError
from experiments.measurement.metrics import METRICS
from experiments.pre_period import PRE_WEEKS
from settings import Settings

MEMORY_LIMIT = "512MB"

WEEK_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Purchases:
    """The transactions of an admission.

    Attributes:
        file: Parquet with customer_id, basket_id, sales_value and transaction_at (UTC).
        as_of: Transactions before the start of this local day are known.
        until: The instant of that start, naive UTC.
    """

    file: Path
    as_of: date
    until: datetime


def admitted_purchases(settings: Settings) -> Purchases:
    """Return the transactions of the accepted admission.

    Raises:
        ExperimentError: Nothing is admitted.
    """
    folder = settings.paths.admitted
    file, manifest = folder / "transactions.parquet", folder / "manifest.json"
    if not file.is_file() or not manifest.is_file():
        raise ExperimentError(f"Nothing is admitted in {folder}, so no purchase is known. Run 'make demo' first.")
    as_of = date.fromisoformat(json.loads(manifest.read_text())["as_of"])
    return Purchases(file, as_of, settings.start_of_day(as_of))


def landed_purchases(settings: Settings, folder: Path) -> Purchases:
    """Return the transactions of a landing's folder, known up to the end of the newest one's local day.

    Raises:
        ExperimentError: The folder has no readable transactions.
    """
    file = folder / "transactions.parquet"
    try:
        with open_engine(settings) as engine:
            newest = engine.execute(f"SELECT max(transaction_at)::TIMESTAMP FROM {read_parquet(file)}").fetchone()
    except duckdb.Error as error:
        raise ExperimentError(f"{file} cannot be read: {error}. Name a folder with Parquet tables.") from error
    if newest is None or newest[0] is None:
        raise ExperimentError(f"{file} has no transaction.")
    as_of = local_day(settings, newest[0]) + timedelta(days=1)
    return Purchases(file, as_of, settings.start_of_day(as_of))


def local_day(settings: Settings, instant: datetime) -> date:
    """Return the shop's day of an instant in naive UTC."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(settings.timezone)).date()


def open_engine(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Return a bounded connection, which the caller closes."""
    return connect(settings.data / "spill", settings.duckdb_memory(MEMORY_LIMIT))


def spend_before(
    engine: duckdb.DuckDBPyConnection, purchases: Purchases, customer_ids: np.ndarray, decided_at: np.ndarray
) -> np.ndarray:
    """Return spend in the weeks before each customer's decision, float `[customers, 16]`, the oldest week first.

    Raises:
        ExperimentError: The transactions cannot be read.
    """
    rows = _query(
        engine,
        purchases,
        customer_ids,
        decided_at,
        f"""
        SELECT position, ceil((epoch(decided_at) - epoch(bought_at)) / {WEEK_SECONDS})::INTEGER AS week,
               sum(spend) AS spend
        FROM bought WHERE bought_at < decided_at GROUP BY ALL HAVING week <= {PRE_WEEKS}
        """,
        earliest=f"decided_at - INTERVAL {PRE_WEEKS} WEEK",
    )
    found = np.zeros((len(customer_ids), PRE_WEEKS))
    np.add.at(found, (rows["position"], PRE_WEEKS - rows["week"]), rows["spend"])
    return found


def outcomes_at(
    engine: duckdb.DuckDBPyConnection,
    purchases: Purchases,
    customer_ids: np.ndarray,
    decided_at: np.ndarray,
    look: datetime,
    conversion_days: int | None = None,
) -> dict[str, np.ndarray]:
    """Return each metric from a customer's decision up to a look, float `[customers]` by name.

    `conversion` is 1 for a customer who bought, `spend` is money less returns, `visits` are baskets. `retention` is 1
    for a customer who bought in the second half of the time.

    Args:
        engine: The connection.
        purchases: The transactions.
        customer_ids: Text `[customers]`.
        decided_at: Microseconds `[customers]`, naive UTC.
        look: The instant until which purchases count, naive UTC.
        conversion_days: Days after the decision within which a purchase is a conversion; None: all until the look.

    Raises:
        ExperimentError: The transactions cannot be read.
    """
    in_time = "true" if conversion_days is None else f"bought_at < decided_at + INTERVAL {conversion_days} DAY"
    rows = _query(
        engine,
        purchases,
        customer_ids,
        decided_at,
        f"""
        SELECT position, sum(spend) AS spend, count(DISTINCT basket_id) FILTER (WHERE spend > 0) AS visits,
               bool_or(spend > 0 AND {in_time})::INTEGER AS conversion,
               bool_or(spend > 0 AND 2 * epoch(bought_at) >= epoch(decided_at) + epoch(?::TIMESTAMP))::INTEGER
                   AS retention
        FROM bought WHERE bought_at >= decided_at AND bought_at < ?::TIMESTAMP GROUP BY ALL
        """,
        parameters=(look, look),
    )
    found = {name: np.zeros(len(customer_ids)) for name in METRICS}
    for name in METRICS:
        found[name][rows["position"]] = rows[name]
    return found


def _query(
    engine: duckdb.DuckDBPyConnection,
    purchases: Purchases,
    customer_ids: np.ndarray,
    decided_at: np.ndarray,
    query: str,
    earliest: str = "decided_at",
    parameters: Sequence[datetime] = (),
) -> dict[str, np.ndarray]:
    """Return the columns of a query over `bought`: lines of the customers, each with the customer's position."""
    customers = pa.table(
        {"customer_id": customer_ids.tolist(), "decided_at": decided_at, "position": np.arange(len(customer_ids))}
    )
    engine.register("customers", customers)
    try:
        found = engine.execute(
            f"""
            WITH bought AS (
                SELECT position, decided_at, basket_id, transaction_at::TIMESTAMP AS bought_at,
                       sales_value::DOUBLE AS spend
                FROM {read_parquet(purchases.file)} JOIN customers USING (customer_id)
                WHERE transaction_at::TIMESTAMP >= {earliest}
            ) {query}
            """,
            list(parameters),
        ).fetchnumpy()
    except duckdb.Error as error:
        raise ExperimentError(f"{purchases.file} cannot be read: {error}. Admit the landing again.") from error
    finally:
        engine.unregister("customers")
    return {name: np.asarray(column) for name, column in found.items()}
