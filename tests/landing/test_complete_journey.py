"""The demo's adapter loses nothing of the packaged data and turns weeks into the right days."""

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from landing import complete_journey as demo
from landing.complete_journey import PACKAGE, demo_queries
from landing.contract import BOUNCES, COUPON_VALUES, EVENTS, TABLES


def _packaged(table: str) -> str:
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return f"'{Path(spec.origin).parent / 'data' / table}.parquet'"


def test_money_and_quantities_of_the_demo_equal_the_package_to_the_cent() -> None:
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), sum(quantity), sum(cast(sales_value AS DECIMAL(12, 2))), "
            "sum(cast(retail_discount AS DECIMAL(12, 2))), max(transaction_at) "
            f"FROM ({demo_queries()['transactions']})"
        ).fetchone()
        packaged = connection.execute(
            "SELECT count(*), sum(quantity), sum(cast(sales_value AS DECIMAL(12, 2))), "
            "sum(cast(retail_disc AS DECIMAL(12, 2))), max(transaction_timestamp) "
            f"FROM {_packaged('transactions')}"
        ).fetchone()
    assert found == packaged
    assert found is not None
    assert found[0] == 1_469_307


def test_every_promotion_is_landed_with_the_days_of_its_week() -> None:
    with duckdb.connect() as connection:
        weeks = connection.execute(
            "SELECT starts_on, min(ends_on), max(ends_on), count(*) "
            f"FROM ({demo_queries()['promotions']}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert sum(row[3] for row in weeks) == 20_940_529
    assert len(weeks) == 53
    # week 1 is only Sunday, 1 January; week 50 starts on 4 December, week 53 on Christmas Day
    assert weeks[0][:3] == (date(2016, 12, 26), date(2017, 1, 1), date(2017, 1, 1))
    assert weeks[49][:2] == (date(2017, 12, 4), date(2017, 12, 10))
    assert weeks[52][:2] == (date(2017, 12, 25), date(2017, 12, 31))


def test_every_campaign_and_customer_has_its_days() -> None:
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT count(*), count(starts_on), min(starts_on) FROM ({demo_queries()['campaigns']})"
        ).fetchone()
    assert found == (6_589, 6_589, date(2016, 11, 14))


def test_the_demo_has_every_table_it_can_and_no_column_outside_the_contract() -> None:
    queries = demo_queries()
    # Events come from the service, and the data set has no worth of a coupon and no bounces.
    not_published = (EVENTS, COUPON_VALUES, BOUNCES)
    tables = [table for table in TABLES if table not in not_published]
    assert list(queries) == [table.name for table in tables]
    with duckdb.connect() as connection:
        for table in tables:
            columns = [row[0] for row in connection.execute(f"DESCRIBE {queries[table.name]}").fetchall()]
            assert set(table.required_columns) <= set(columns) <= {column.name for column in table.columns}


@pytest.fixture
def short_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows of every table: what is tested is when they are written."""
    queries = {table: f"SELECT * FROM ({query}) LIMIT 5" for table, query in demo_queries().items()}
    monkeypatch.setattr(demo, "demo_queries", lambda: queries)


@pytest.mark.usefixtures("short_demo")
def test_a_complete_copy_of_the_same_package_is_used_again(tmp_path: Path) -> None:
    assert demo.land_demo(tmp_path / "landing")
    assert not demo.land_demo(tmp_path / "landing")
    assert len(list((tmp_path / "landing").glob("*.parquet"))) == len(demo_queries())


@pytest.mark.usefixtures("short_demo")
def test_a_truncated_or_older_copy_is_written_anew(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    demo.land_demo(landing)
    (landing / "products.parquet").write_bytes(b"PAR1")
    assert demo.land_demo(landing)
    mark = landing / "_source.json"
    mark.write_text(mark.read_text().replace('"version": "', '"version": "0.'))
    assert demo.land_demo(landing)
    assert not demo.land_demo(landing)
