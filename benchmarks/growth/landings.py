"""Write landings that are larger than the demo's: more customers like its own, or its baskets spread over many more."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from core.duckdb_engine import connect, quote_literal, read_parquet

MAX_SHIFT_DAYS = 3
KEPT_BASKETS = 0.9
"""A copied customer keeps this share of the baskets, each up to MAX_SHIFT_DAYS earlier or later."""

MEAN_BASKETS = 2
"""Baskets for each customer of a shop with many; fewer if the demo's baskets have too few lines."""

TRANSACTIONS = "transactions"
OF_CUSTOMERS = ("customers", "campaigns", "redemptions")
"""Tables with rows of customers besides the transactions; a copied customer gets the same rows."""
SHARED = ("products", "promotions", "coupons")

Make = Callable[[duckdb.DuckDBPyConnection, Path, Path], None]
"""Writes a landing: takes a connection, the folder of the demo's landing, and an empty folder."""


def write_landing(make: Make, source: Path, target: Path, memory: str) -> None:
    """Write a landing by `make`, with DuckDB's memory limit `memory`, below the new folder `target`."""
    target.mkdir(parents=True)
    with connect(target / ".spill", memory) as connection:
        make(connection, source, target)


def copied_customers(factor: int, seed: int) -> Make:
    """Return a maker of a landing with `factor` times the customers.

    The first copy is the demo itself. The others have ids of their own and differ from it: each leaves a tenth of the
    baskets out and moves the others by up to MAX_SHIFT_DAYS, within the days of the source.

    Args:
        factor: how often each customer occurs.
        seed: decides which baskets are kept, and how far each is moved.
    """
    suffix = "CASE copy WHEN 0 THEN '' ELSE '-' || copy END"
    copies = f"range({factor}) AS copies(copy)"
    shift = f"to_days(CAST(floor(moved * {2 * MAX_SHIFT_DAYS + 1}) AS INTEGER) - {MAX_SHIFT_DAYS})"

    def make(connection: duckdb.DuckDBPyConnection, source: Path, target: Path) -> None:
        table = read_parquet(source / f"{TRANSACTIONS}.parquet")
        copied = f"""
            WITH days AS (SELECT min(transaction_at) AS earliest, max(transaction_at) AS latest FROM {table}),
            copied AS (
                SELECT
                    *,
                    {_fraction("basket_id || '/' || copy", seed)} AS drawn,
                    {_fraction("basket_id || '/' || copy", seed + 1)} AS moved
                FROM {table}, {copies}, days
            )
            SELECT * EXCLUDE (copy, drawn, moved, earliest, latest) REPLACE (
                customer_id || {suffix} AS customer_id,
                basket_id || {suffix} AS basket_id,
                CASE
                    WHEN copy = 0 THEN transaction_at
                    ELSE greatest(earliest, least(latest, transaction_at + {shift}))
                END AS transaction_at
            )
            FROM copied
            WHERE copy = 0 OR drawn < {KEPT_BASKETS}
        """
        _write(connection, copied, target / f"{TRANSACTIONS}.parquet")
        for name in OF_CUSTOMERS:
            rows = f"{read_parquet(source / f'{name}.parquet')}, {copies}"
            query = f"SELECT * EXCLUDE (copy) REPLACE (customer_id || {suffix} AS customer_id) FROM {rows}"
            _write(connection, query, target / f"{name}.parquet")
        _link(source, target, SHARED)

    return make


def spread_baskets(customers: int, seed: int) -> Make:
    """Return a maker of a shop with many customers who buy seldom: the demo's baskets get other buyers.

    Every customer gets a basket. The others go to customers drawn by the square of a uniform number, so some buy more
    often. If the demo has too few baskets, the lines of each are divided between several. Only purchases are known of
    these customers, so there is no table of customers, campaigns or redemptions.

    Args:
        customers: how many buyers there are.
        seed: decides who buys.
    """

    def make(connection: duckdb.DuckDBPyConnection, source: Path, target: Path) -> None:
        table = read_parquet(source / f"{TRANSACTIONS}.parquet")
        [(baskets,)] = connection.execute(f"SELECT count(DISTINCT basket_id) FROM {table}").fetchall()
        parts = -(-MEAN_BASKETS * customers // baskets)
        divided = f"basket_id || '-' || hash(product_id) % {parts}"
        spread = f"""
            WITH baskets AS (
                SELECT id, row_number() OVER (ORDER BY hash(id || '#{seed}'), id) - 1 AS position
                FROM (SELECT DISTINCT {divided} AS id FROM {table})
            ),
            buyers AS (
                SELECT id, CASE
                    WHEN position < {customers} THEN position
                    ELSE CAST(floor(pow({_fraction("id", seed + 1)}, 2) * {customers}) AS BIGINT)
                END AS buyer
                FROM baskets
            )
            SELECT lines.* REPLACE ('c' || buyer AS customer_id, id AS basket_id)
            FROM {table} AS lines JOIN buyers ON id = {divided}
        """
        _write(connection, spread, target / f"{TRANSACTIONS}.parquet")
        _link(source, target, ("products", "promotions"))

    return make


def _fraction(text: str, seed: int) -> str:
    """Return SQL for a number from 0 up to 1 that depends on the text and the seed alone."""
    return f"(hash({text} || '#{seed}') / 18446744073709551616.0)"


def _write(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    connection.execute(f"COPY ({query}) TO {quote_literal(file)} (FORMAT parquet, COMPRESSION zstd)")


def _link(source: Path, target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (target / f"{name}.parquet").symlink_to((source / f"{name}.parquet").resolve())
