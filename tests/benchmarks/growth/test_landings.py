"""Larger landings hold the demo's rows, and customers who differ from one another."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.growth.landings import Make, copied_customers, spread_baskets, write_landing
from core.duckdb_engine import quote_literal

pytestmark = pytest.mark.unit

BASKETS = 400
TABLES = {
    "transactions": f"""
        SELECT 'a' || n % 20 AS customer_id, 'b' || n AS basket_id, 'p' || n % 7 AS product_id,
            TIMESTAMP '2017-01-01' + to_days(CAST(n % 100 AS INTEGER)) AS transaction_at
        FROM range({BASKETS}) AS baskets(n)
    """,
    "customers": "SELECT 'a' || n AS customer_id, '35-44' AS age_band FROM range(5) AS customers(n)",
    "campaigns": "SELECT 'm1' AS campaign_id, 'a1' AS customer_id",
    "redemptions": "SELECT 'a1' AS customer_id, 'c1' AS coupon_id",
    "products": "SELECT 'p1' AS product_id",
    "promotions": "SELECT 'p1' AS product_id",
    "coupons": "SELECT 'c1' AS coupon_id",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, query in TABLES.items():
        duckdb.sql(f"COPY ({query}) TO {quote_literal(folder / f'{name}.parquet')} (FORMAT parquet)")
    return folder


def test_the_first_copy_is_the_demo_and_the_others_are_customers_of_their_own(source: Path, tmp_path: Path) -> None:
    landing = _written(copied_customers(3, seed=7), source, tmp_path / "landing")
    former, new = f"'{source}/transactions.parquet'", f"'{landing}/transactions.parquet'"
    assert _rows(f"SELECT count(DISTINCT customer_id) FROM {new}") == [(60,)]
    assert _rows(f"SELECT count(*) FROM (FROM {former} EXCEPT FROM {new})") == [(0,)]
    [(copies,)] = _rows(f"SELECT count(*) FROM {new} WHERE customer_id LIKE '%-%'")
    assert 0.85 * 2 * BASKETS < copies < 0.95 * 2 * BASKETS
    assert _rows(f"SELECT count(*) = count(DISTINCT basket_id) FROM {new}") == [(True,)]
    for table in ("customers", "campaigns", "redemptions"):
        assert _rows(f"SELECT count(*) FROM '{landing}/{table}.parquet'")[0][0] == 3 * len(
            _rows(f"FROM '{source}/{table}.parquet'")
        )


def test_a_copied_basket_is_moved_by_up_to_three_days_and_stays_within_the_year(source: Path, tmp_path: Path) -> None:
    landing = _written(copied_customers(2, seed=7), source, tmp_path / "landing")
    moved = _rows(
        f"""
        SELECT DISTINCT date_diff('day', a.transaction_at, b.transaction_at)
        FROM '{source}/transactions.parquet' AS a
        JOIN '{landing}/transactions.parquet' AS b ON b.basket_id = a.basket_id || '-1'
        ORDER BY 1
        """
    )
    assert moved == [(days,) for days in range(-3, 4)]
    days = "SELECT min(transaction_at), max(transaction_at)"
    assert _rows(f"{days} FROM '{landing}/transactions.parquet'") == _rows(
        f"{days} FROM '{source}/transactions.parquet'"
    )


@pytest.mark.parametrize("customers", [50, BASKETS])
def test_spread_baskets_keep_every_line_and_every_customer_buys(source: Path, tmp_path: Path, customers: int) -> None:
    landing = _written(spread_baskets(customers, seed=7), source, tmp_path / "landing")
    former, new = f"'{source}/transactions.parquet'", f"'{landing}/transactions.parquet'"
    line = "product_id, transaction_at, split_part(basket_id, '-', 1)"
    assert _rows(f"SELECT count(*) FROM (SELECT {line} FROM {former} EXCEPT ALL SELECT {line} FROM {new})") == [(0,)]
    assert _rows(f"SELECT count(DISTINCT customer_id) FROM {new}") == [(customers,)]
    assert _rows(f"SELECT max(n) FROM (SELECT count(DISTINCT customer_id) AS n FROM {new} GROUP BY basket_id)") == [
        (1,)
    ]
    assert sorted(file.stem for file in landing.glob("*.parquet")) == ["products", "promotions", "transactions"]


@pytest.mark.parametrize("make", [copied_customers(2, seed=7), spread_baskets(50, seed=7)], ids=["copied", "spread"])
def test_the_seed_decides_the_landing(make: Make, source: Path, tmp_path: Path) -> None:
    files = [_written(make, source, tmp_path / name) / "transactions.parquet" for name in ("once", "again")]
    [(differing,)] = _rows(f"SELECT count(*) FROM (FROM '{files[0]}' EXCEPT ALL FROM '{files[1]}')")
    assert differing == 0


def _written(make: Make, source: Path, target: Path) -> Path:
    write_landing(make, source, target, "1GB")
    return target


def _rows(query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()
