"""Stores that fall silent and prices in another unit raise an alarm on the day, and ordinary days raise none."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from core.duckdb_engine import connect, quote_literal
from monitoring.figures import Figure
from monitoring.policy import episodes, evaluated, load_policy
from monitoring.sales import MIN_DAYS, Period, price_units, read_lines, silent_stores

pytestmark = pytest.mark.unit

FIRST = date(2026, 1, 1)
DAYS = MIN_DAYS + 30
LAST = FIRST + timedelta(days=DAYS - 1)
WHOLE = Period(FIRST, LAST)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(tmp_path / "spill", "500MB") as connection:
        yield connection


def shop(
    connection: duckdb.DuckDBPyConnection, folder: Path, left_out: str = "false", price: str = "2.0 + product % 5"
) -> Path:
    """Write 80 lines a day in each of three stores; `sunday` is closed on every seventh day."""
    lines = f"""
        SELECT store AS store_id, 'p' || product AS product_id, 1.0 AS quantity, {price} AS sales_value,
            TIMESTAMP '{FIRST} 12:00:00' + to_days(CAST(day AS INTEGER)) AS transaction_at
        FROM range({DAYS}) AS days(day), range(80) AS products(product),
            (VALUES ('main'), ('market'), ('sunday')) AS stores(store)
        WHERE NOT (store = 'sunday' AND day % 7 = 6) AND NOT ({left_out})
    """
    connection.execute(f"COPY ({lines}) TO {quote_literal(folder / 'transactions.parquet')} (FORMAT parquet)")
    department = "CASE WHEN n < 40 THEN 'FOOD' ELSE 'DRINKS' END"
    products = f"SELECT 'p' || n AS product_id, {department} AS department FROM range(80) AS products(n)"
    connection.execute(f"COPY ({products}) TO {quote_literal(folder / 'products.parquet')} (FORMAT parquet)")
    read_lines(connection, folder, "UTC", WHOLE)
    return folder


def alarms(figures: list[Figure]) -> list[tuple[date, str | None]]:
    return [(one.figure.day, one.figure.subject) for one in evaluated(figures, load_policy()) if one.is_alarm]


def test_ordinary_days_raise_no_alarm_although_a_store_is_closed_on_sundays(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    admitted = shop(connection, tmp_path)
    assert alarms([*silent_stores(connection, WHOLE), *price_units(connection, admitted, WHOLE)]) == []


def test_a_store_that_falls_silent_is_named_on_the_first_day(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    shop(connection, tmp_path, left_out=f"store = 'market' AND day = {DAYS - 2}")
    assert alarms(silent_stores(connection, WHOLE)) == [(LAST - timedelta(days=1), "store market")]


def test_a_store_with_a_day_off_is_named_after_a_silence_of_more_than_twice_that(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # Its last day off is the day before these three days, so the silence is two days long on the first one.
    assert (DAYS - 4) % 7 == 6
    shop(connection, tmp_path, left_out=f"store = 'sunday' AND day >= {DAYS - 3}")
    named = [(LAST - timedelta(days=1), "store sunday"), (LAST, "store sunday")]
    assert alarms(silent_stores(connection, WHOLE)) == named


def test_two_silent_stores_are_both_named(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    shop(connection, tmp_path, left_out=f"store != 'sunday' AND day = {DAYS - 1}")
    found = silent_stores(connection, Period(LAST, LAST))
    assert {subject for _, subject in alarms(found)} == {"store main", "store market"}


def test_a_day_on_which_the_whole_shop_is_closed_raises_no_alarm(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    shop(connection, tmp_path, left_out=f"day = {DAYS - 2}")
    assert alarms(silent_stores(connection, WHOLE)) == []


def test_prices_of_one_department_in_cents_are_named(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    in_cents = f"CASE WHEN day = {DAYS - 1} AND product >= 40 THEN 100 ELSE 1 END * (2.0 + product % 5)"
    admitted = shop(connection, tmp_path, price=in_cents)
    assert alarms(price_units(connection, admitted, WHOLE)) == [(LAST, "department DRINKS")]


def test_alarms_about_the_same_store_within_two_weeks_are_one() -> None:
    days = [Figure("silent_store", FIRST + timedelta(days=n), 100.0, "store main", 3) for n in (0, 1, 2, 20)]
    assert [one.figure.day for one in episodes(evaluated(days, load_policy()))] == [FIRST, FIRST + timedelta(days=20)]
