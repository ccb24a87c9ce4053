"""Measure the watches' own errors on the shop's history: alarms in ordinary weeks, and planted defects that are found.

Both read the admitted sales and the published features of one installation and change nothing.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from core.duckdb_engine import connect, quote_identifier, quote_literal, read_parquet
from monitoring.check import MEMORY, admitted_day, sales_figures
from monitoring.feature_tables import feature_figures
from monitoring.figures import PRICE_UNIT, SILENT_STORE, STUCK_FEATURE, Figure
from monitoring.policy import Policy, episodes, evaluated
from monitoring.sales import MIN_DAYS, Period, price_units, read_lines, silent_stores
from settings import Settings

DAYS_PER_MONTH = 365.25 / 12
CENTS = 100.0


def false_alarms(settings: Settings, policy: Policy) -> dict[str, Any]:
    """Count the alarms that a person would have got in the shop's history, which is taken to be in order.

    A real defect in the history counts as a false alarm, so the rate is an upper bound.

    Returns:
        The period, the alarms by watch, those about sales and features with day and subject, and the rate per month.
    """
    with connect(settings.data / "monitoring.spill", settings.duckdb_memory(MEMORY)) as connection:
        period = _history(connection, settings)
        figures = [
            *sales_figures(connection, settings, period),
            *(
                figure
                for figure in feature_figures(connection, settings.paths.features.resolve())
                if figure.day >= period.first
            ),
        ]
    alarms = episodes(evaluated(figures, policy))
    months = ((period.last - period.first).days + 1) / DAYS_PER_MONTH
    return {
        "first_day": period.first.isoformat(),
        "last_day": period.last.isoformat(),
        "alarms": dict(Counter(alarm.figure.watch for alarm in alarms)),
        "examples": [
            f"{alarm.figure.day} {alarm.figure.watch}: {alarm.figure.subject}, {alarm.figure.value:.3g}"
            for alarm in alarms
        ],
        "alarms_per_month": round(len(alarms) / months, 2),
    }


def planted_defects(settings: Settings, policy: Policy, draws: int, seed: int) -> dict[str, Any]:
    """Plant defects in the history, and count those that the check of the same day finds.

    - A silent store: the lines of a day are left out, of a store that sold on each of the MIN_DAYS days before, and
      more lines a day than the policy's limit.
    - A wrong unit: the prices of a department are multiplied by 100 on a day.
    - A stuck feature: at the newest snapshot, a feature of customers has the values of the snapshot before.

    Args:
        settings: the installation.
        policy: the limits.
        draws: defects of each kind.
        seed: decides days, stores, departments and features.

    Returns:
        For each watch, the defects planted and those found.
    """
    chosen = random.Random(seed)
    with connect(settings.data / "monitoring.spill", settings.duckdb_memory(MEMORY)) as connection:
        period = _history(connection, settings)
        read_lines(connection, settings.paths.admitted, settings.timezone, period)
        connection.execute("ALTER TABLE lines RENAME TO whole")
        days = [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]
        stores = [_silence(connection, policy, chosen, chosen.choice(days)) for _ in range(draws)]
        prices = [_unit(connection, settings, policy, chosen, chosen.choice(days)) for _ in range(draws)]
        features = _stuck(connection, settings, policy, chosen, draws)
    kinds = {SILENT_STORE.name: stores, PRICE_UNIT.name: prices, STUCK_FEATURE.name: features}
    planted = {watch: [one for one in found if one is not None] for watch, found in kinds.items()}
    return {watch: {"planted": len(found), "found": sum(found)} for watch, found in planted.items()}


def _silence(connection: duckdb.DuckDBPyConnection, policy: Policy, chosen: random.Random, day: date) -> bool | None:
    """Return whether the silence of a store is found; None if no store is regular enough on that day."""
    stores = _regular_stores(connection, day, policy.of(SILENT_STORE.name).least)
    if not stores:
        return None
    store = chosen.choice(stores)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE lines AS FROM whole "
        f"WHERE NOT (store_id = {quote_literal(store)} AND day = DATE '{day}')"
    )
    return _is_found(silent_stores(connection, Period(day, day)), policy, f"store {store}")


def _unit(
    connection: duckdb.DuckDBPyConnection, settings: Settings, policy: Policy, chosen: random.Random, day: date
) -> bool | None:
    """Return whether prices in cents are found; None if no department sells enough products on that day."""
    departments = _large_departments(connection, settings, day)
    if not departments:
        return None
    department, admitted = chosen.choice(departments), settings.paths.admitted
    products = (
        f"SELECT product_id FROM {read_parquet(admitted / 'products.parquet')} "
        f"WHERE department = {quote_literal(department)}"
    )
    is_wrong = f"day = DATE '{day}' AND product_id IN ({products})"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE lines AS "
        f"SELECT * REPLACE (CASE WHEN {is_wrong} THEN price * {CENTS} ELSE price END AS price) FROM whole"
    )
    return _is_found(price_units(connection, admitted, Period(day, day)), policy, f"department {department}")


def _stuck(
    connection: duckdb.DuckDBPyConnection, settings: Settings, policy: Policy, chosen: random.Random, draws: int
) -> list[bool | None]:
    """Return whether each of several stuck features is found; none if the features have too little history."""
    file = settings.paths.features.resolve() / "feat_customer_profile.parquet"
    table = read_parquet(file)
    names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall() if row[1] == "DOUBLE"]
    found: list[bool | None] = []
    for name in chosen.sample(names, min(draws, len(names))):
        column = quote_identifier(name)
        with TemporaryDirectory(dir=settings.data, prefix="monitoring.") as folder:
            connection.execute(
                f"""
                COPY (
                    WITH newest AS (SELECT max(event_timestamp) AS instant FROM {table})
                    SELECT * REPLACE (
                        CASE WHEN event_timestamp = (FROM newest) THEN coalesce(
                            lag({column}) OVER (PARTITION BY customer_id ORDER BY event_timestamp), {column}
                        ) ELSE {column} END AS {column}
                    ) FROM {table}
                ) TO {quote_literal(Path(folder) / file.name)} (FORMAT parquet)
                """
            )
            figures = feature_figures(connection, Path(folder))
        last = max((figure.day for figure in figures), default=None)
        newest = [figure for figure in figures if figure.day == last and figure.watch == STUCK_FEATURE.name]
        found.append(_is_found(newest, policy, f"customer_profile.{name}"))
    return found


def _is_found(figures: Sequence[Figure], policy: Policy, subject: str) -> bool:
    return any(one.is_alarm and one.figure.subject == subject for one in evaluated(figures, policy))


def _history(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Period:
    """Return the days of the admitted sales that have MIN_DAYS before them."""
    as_of = admitted_day(settings)
    table = read_parquet(settings.paths.admitted / "transactions.parquet")
    [(earliest,)] = connection.execute(f"SELECT CAST(min(transaction_at) AS DATE) FROM {table}").fetchall()
    return Period(min(earliest + timedelta(days=MIN_DAYS), as_of - timedelta(days=1)), as_of - timedelta(days=1))


def _regular_stores(connection: duckdb.DuckDBPyConnection, day: date, lines: float) -> list[str]:
    rows = connection.execute(
        f"""
        SELECT store_id FROM whole
        WHERE day BETWEEN CAST(? AS DATE) - {MIN_DAYS + 1} AND CAST(? AS DATE)
        GROUP BY store_id
        HAVING count(DISTINCT day) >= (
            SELECT count(DISTINCT day) FROM whole WHERE day BETWEEN CAST(? AS DATE) - {MIN_DAYS + 1} AND CAST(? AS DATE)
        ) AND count(*) FILTER (day BETWEEN CAST(? AS DATE) - 56 AND CAST(? AS DATE) - 1) > 56 * ?
        ORDER BY store_id
        """,
        [day, day, day, day, day, day, lines],
    ).fetchall()
    return [row[0] for row in rows]


def _large_departments(connection: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> list[str]:
    products = read_parquet(settings.paths.admitted / "products.parquet")
    rows = connection.execute(
        f"""
        SELECT department FROM whole JOIN {products} USING (product_id)
        WHERE day = ? AND price > 0 AND department IS NOT NULL
        GROUP BY department HAVING count(DISTINCT product_id) >= 60 ORDER BY department
        """,
        [day],
    ).fetchall()
    return [row[0] for row in rows]
