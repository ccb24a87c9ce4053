"""Watch the admitted sales day by day: stores without sales, and prices in another unit."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from core.duckdb_engine import quote_literal, read_parquet
from monitoring.figures import PRICE_UNIT, SILENT_STORE, Figure

HISTORY_DAYS = 180
"""Days before the first watched one that are compared with it."""

MIN_DAYS = 120
"""A store is watched after this number of the shop's selling days, because its longest silence needs time to show."""

MOST = 5
"""Stores in the result for each day."""

LONGEST_WATCHED = 14
"""Selling days after which a silent store counts as closed."""

MIN_PRODUCTS = 30
"""A department is watched on days on which as many of its products have a price to compare."""

LARGE_RATIO = 3.0
"""A price differs if it is larger or smaller than the usual one by more than this factor."""


@dataclass(frozen=True)
class Period:
    """The shop's days from `first` up to and including `last`."""

    first: date
    last: date


def read_lines(connection: duckdb.DuckDBPyConnection, admitted: Path, timezone: str, period: Period) -> None:
    """Create the view `lines` of sales: store_id, product_id, day in the shop's time zone, and unit price.

    Args:
        connection: where the view is created.
        admitted: the folder of admitted tables.
        timezone: the shop's time zone.
        period: the days to watch; HISTORY_DAYS before them are read, too.
    """
    moment = f"(transaction_at AT TIME ZONE 'UTC' AT TIME ZONE {quote_literal(timezone)})"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE lines AS
        SELECT store_id, product_id, CAST({moment} AS DATE) AS day, sales_value / nullif(quantity, 0) AS price
        FROM {read_parquet(admitted / "transactions.parquet")}
        WHERE CAST({moment} AS DATE) BETWEEN DATE '{period.first - timedelta(days=HISTORY_DAYS)}'
            AND DATE '{period.last}'
        """
    )


def silent_stores(connection: duckdb.DuckDBPyConnection, period: Period) -> list[Figure]:
    """Return for each day the lines that silent stores should have sold, for the MOST stores that miss most.

    A store's silence is the number of the shop's selling days since its last sale. It counts if it is more than twice
    the store's longest silence before, so a store that is closed on Sundays raises no alarm on Sundays, and for at most
    LONGEST_WATCHED days.
    """
    rows = connection.execute(
        f"""
        WITH per_store AS (SELECT store_id, day, count(*) AS n FROM lines WHERE store_id IS NOT NULL GROUP BY ALL),
        days AS (SELECT DISTINCT day FROM lines),
        stores AS (SELECT store_id, min(day) AS first_day FROM per_store GROUP BY store_id),
        grid AS (
            SELECT store_id, day, coalesce(n, 0) AS n
            FROM stores JOIN days ON day >= first_day LEFT JOIN per_store USING (store_id, day)
        ),
        numbered AS (
            SELECT *, row_number() OVER (PARTITION BY store_id ORDER BY day) AS position FROM grid
        ),
        since AS (
            SELECT *, position - max(CASE WHEN n > 0 THEN position END)
                OVER (PARTITION BY store_id ORDER BY day) AS silence
            FROM numbered
        ),
        ended AS (
            SELECT *, CASE WHEN n > 0 THEN lag(silence) OVER (PARTITION BY store_id ORDER BY day) END AS ended_silence
            FROM since
        ),
        compared AS (
            SELECT store_id, day, silence,
                coalesce(max(ended_silence) OVER (PARTITION BY store_id ORDER BY day), 0) AS longest,
                position,
                avg(n) OVER (PARTITION BY store_id ORDER BY day ROWS BETWEEN 56 PRECEDING AND 1 PRECEDING) AS usual
            FROM ended
        ),
        missing AS (
            SELECT store_id, day,
                CASE
                    WHEN silence <= {LONGEST_WATCHED} AND silence > 2 * longest AND position > {MIN_DAYS}
                        THEN silence * usual
                    ELSE 0
                END AS missing
            FROM compared
        )
        SELECT day, missing, 'store ' || store_id, count(*) OVER (PARTITION BY day)
        FROM missing WHERE day BETWEEN ? AND ?
        QUALIFY row_number() OVER (PARTITION BY day ORDER BY missing DESC, store_id) <= {MOST}
        ORDER BY day, missing DESC
        """,
        [period.first, period.last],
    ).fetchall()
    return [_figure(SILENT_STORE.name, row) for row in rows]


def price_units(connection: duckdb.DuckDBPyConnection, admitted: Path, period: Period) -> list[Figure]:
    """Return for each day the largest share of a department's products whose price is of another magnitude.

    A product's price of a day is the median of its lines; the usual price is the median of its last 20 days with sales.
    """
    rows = connection.execute(
        f"""
        WITH daily AS (
            SELECT product_id, day, median(price) AS price FROM lines WHERE price > 0 GROUP BY ALL
        ),
        compared AS (
            SELECT *, median(price) OVER (
                PARTITION BY product_id ORDER BY day ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING
            ) AS usual
            FROM daily
        ),
        departments AS (
            SELECT day, coalesce(department, 'unknown') AS department, count(*) AS products,
                avg(CAST(abs(ln(price / usual)) > ln({LARGE_RATIO}) AS INTEGER)) AS share
            FROM compared LEFT JOIN {read_parquet(admitted / "products.parquet")} USING (product_id)
            WHERE usual IS NOT NULL AND day BETWEEN ? AND ?
            GROUP BY ALL HAVING count(*) >= {MIN_PRODUCTS}
        )
        SELECT day, max(share), 'department ' || arg_max(department, share), sum(products)
        FROM departments GROUP BY day ORDER BY day
        """,
        [period.first, period.last],
    ).fetchall()
    return [_figure(PRICE_UNIT.name, row) for row in rows]


def _figure(watch: str, row: tuple[Any, ...]) -> Figure:
    day, value, subject, compared = row
    return Figure(watch, day, float(value), subject if value else None, int(compared))
