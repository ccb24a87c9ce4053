"""Good data stops nothing: shops as there are, each with what once was taken for a fault."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.support.quality.honest_shops import alarms
from tests.support.quality.judging import admit_landing, broken

AS_OF = date(2026, 4, 6)  # the clocks changed in Berlin eight days, in New York four weeks before

# 150 days of 120 lines, 30 baskets of four; every value follows from the line's number.
DAY = "(DATE '2026-04-06' - 150 + day::INTEGER)"
LINES = f"""
    SELECT 'c' || (hash(day, line // 4) % 60) AS customer_id, 'b' || day || '-' || (line // 4) AS basket_id,
           'p' || (hash(day, line) % {{products}}) AS product_id, 1.0 AS quantity, 2.5 AS sales_value,
           {DAY} + INTERVAL 14 HOURS + INTERVAL (line // 4) MINUTES AS transaction_at, {DAY} AS day
    FROM range(150) AS d(day), range(120) AS l(line)"""
SHOPS = {
    "an ordinary shop": ("FROM {lines}", set()),
    "a fortnight closed": (
        "FROM {lines} WHERE day NOT BETWEEN DATE '2026-03-20' AND DATE '2026-04-02'",
        {"every_recent_selling_day_has_lines", "recent_days_are_mostly_there"},
    ),
    "a month closed until today": (
        "FROM {lines} WHERE day < DATE '2026-03-06'",
        {
            "every_recent_selling_day_has_lines",
            "recent_days_are_mostly_there",
            "the_last_day_is_there",
            "lines_are_fresh",
        },
    ),
    "a sevenfold Friday": (
        "FROM {lines} UNION ALL SELECT lines.* REPLACE (basket_id || '+' || i AS basket_id,"
        " 'p' || (hash(i, product_id) % 60) AS product_id, transaction_at + INTERVAL (7 * i) SECONDS AS transaction_at)"
        " FROM {lines} AS lines, range(6) AS t(i) WHERE day = DATE '2026-03-27'",
        {"recent_volume_is_usual"},
    ),
    "one line a scanned unit": (
        "SELECT lines.* FROM {lines} AS lines,"
        " range([1, 1, 2, 4][1 + (hash(day, basket_id, product_id) % 4)::INTEGER])",
        set(),
    ),
    "receipt numbers that begin again every day": (
        "SELECT * REPLACE (split_part(basket_id, '-', 2) AS basket_id) FROM {lines}",
        {"basket_ids_are_not_used_again"},
    ),
    "no times of day": ("SELECT * REPLACE (day::TIMESTAMP + INTERVAL 12 HOURS AS transaction_at) FROM {lines}", set()),
    "neither times of day nor customers": (
        "SELECT * REPLACE (NULL::VARCHAR AS customer_id, day::TIMESTAMP + INTERVAL 12 HOURS AS transaction_at)"
        " FROM {lines}",
        {"most_lines_name_their_customer"},
    ),
    "no customers on most lines": (
        "SELECT * REPLACE (CASE WHEN hash(basket_id) % 10 = 0 THEN customer_id END AS customer_id) FROM {lines}",
        {"most_lines_name_their_customer"},
    ),
    "five weeks old": ("FROM {lines} WHERE day >= DATE '2026-03-02'", set()),
}


def write(folder: Path, query: str, products: int = 60, categories: int = 7) -> Path:
    folder.mkdir(parents=True)
    lines = f"({LINES.format(products=products)})"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = f"SELECT * EXCLUDE (day) FROM ({query.replace('{lines}', lines)})"
        connection.execute(f"COPY ({rows}) TO '{folder / 'transactions.parquet'}' (FORMAT parquet)")
        names = f"'p' || i AS product_id, 'category ' || (i % {categories}) AS category"
        catalogue = f"SELECT {names} FROM range({products}) AS t(i)"
        connection.execute(f"COPY ({catalogue}) TO '{folder / 'products.parquet'}' (FORMAT parquet)")
    return folder


@pytest.mark.parametrize("kind", SHOPS)
def test_an_honest_shop_is_warned_of_what_it_did_and_of_nothing_else(tmp_path: Path, kind: str) -> None:
    query, expected = SHOPS[kind]
    admit_landing(tmp_path / "data", write(tmp_path / "in", query), AS_OF)
    found = broken("landing", tmp_path / "data", as_of=AS_OF)
    assert set(found) == expected
    assert {item.severity for item in found.values()} <= {"warning"}


@pytest.mark.parametrize("categories", [1, 40, 1500])
def test_many_thin_categories_are_no_change_of_the_mix(tmp_path: Path, categories: int) -> None:
    admit_landing(tmp_path / "data", write(tmp_path / "in", "FROM {lines}", 3000, categories), AS_OF)
    assert broken("landing", tmp_path / "data", as_of=AS_OF) == {}


@pytest.mark.parametrize("seed", range(4))
def test_a_random_honest_shop_is_not_stopped(tmp_path: Path, seed: int) -> None:
    assert "critical" not in alarms(tmp_path, seed).values()
