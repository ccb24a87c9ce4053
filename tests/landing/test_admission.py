"""Admitted tables have the contract's types and only rows known before the day."""

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from landing.contract import SQL_TYPE, TABLES
from landing.errors import AsOfError
from tests.support.landing.shop import TRANSACTIONS, admit_shop, admitted, write_parquet, write_shop

pytestmark = pytest.mark.integration


def test_a_run_sees_only_what_was_known_before_the_shops_day(tmp_path: Path) -> None:
    manifest, _, _ = admit_shop(tmp_path, write_shop(tmp_path / "in"), "2017-01-02")
    # New York's 2 January begins at 05:00 UTC, so the fourth line, at 05:00:00, is not known yet
    assert manifest.as_of_instant == datetime(2017, 1, 2, 5)
    assert admitted(tmp_path, "transactions", "basket_id") == [("b1",), ("b1",), ("b2",)]
    assert manifest.tables["transactions"].not_yet_known == 1


def test_without_a_day_it_is_the_day_after_the_newest_line_by_the_shops_calendar(tmp_path: Path) -> None:
    early = TRANSACTIONS.replace("2017-01-02 05:00:00", "2017-01-02 04:00:00")
    manifest, _, _ = admit_shop(tmp_path, write_shop(tmp_path / "in", transactions=early))
    assert manifest.as_of == date(2017, 1, 2)  # 04:00 UTC is still Sunday evening in New York
    assert manifest.rows["transactions"] == 4


def test_every_table_is_cut_by_its_own_time(tmp_path: Path) -> None:
    landing = write_shop(
        tmp_path / "in",
        redemptions="customer_id,coupon_id,redeemed_on\n8,c1,2017-01-01\n8,c1,2017-01-02\n",
        campaigns="campaign_id,customer_id,starts_on,ends_on\nk1,8,2017-01-01,2017-02-01\nk2,8,2017-01-02,2017-02-01\n",
        coupons="coupon_id,product_id,campaign_id\nc1,0010,k1\nc2,0010,k2\n",
        # mailers are planned four weeks ahead: 2 January + 28 days is 30 January
        promotions="product_id,starts_on,ends_on\n0010,2017-01-30,2017-02-05\n0020,2017-01-31,2017-02-06\n",
        customers="customer_id,age_band\n8,19-24\n",
    )
    admit_shop(tmp_path, landing, "2017-01-02")
    assert admitted(tmp_path, "redemptions", "redeemed_on") == [(date(2017, 1, 1),)]
    assert admitted(tmp_path, "campaigns", "campaign_id") == [("k1",)]
    assert admitted(tmp_path, "coupons", "coupon_id") == [("c1",)]
    assert admitted(tmp_path, "promotions", "product_id") == [("0010",)]
    assert admitted(tmp_path, "customers", "customer_id") == [("8",)]
    assert len(admitted(tmp_path, "products")) == 3


def test_coupons_of_campaigns_that_have_not_begun_are_unknown_even_if_none_has(tmp_path: Path) -> None:
    landing = write_shop(
        tmp_path / "in",
        campaigns="campaign_id,customer_id,starts_on,ends_on\nk2,8,2017-01-02,2017-02-01\n",
        coupons="coupon_id,product_id,campaign_id\nc2,0010,k2\n",
    )
    admit_shop(tmp_path, landing, "2017-01-02")
    assert admitted(tmp_path, "coupons") == []


def test_coupons_without_a_table_of_campaigns_are_known(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", coupons="coupon_id,product_id,campaign_id\nc2,0010,k2\n")
    admit_shop(tmp_path, landing, "2017-01-02")
    assert len(admitted(tmp_path, "coupons")) == 1


def test_absent_optional_tables_become_empty_and_typed(tmp_path: Path) -> None:
    admit_shop(tmp_path, write_shop(tmp_path / "in"))
    for table in TABLES:
        path = tmp_path / "data" / "admitted" / f"{table.name}.parquet"
        with duckdb.connect() as connection:
            found = connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
        assert [row[:2] for row in found] == [(c.name, SQL_TYPE[c.type]) for c in table.columns]


def test_ids_of_csv_files_keep_their_leading_zeros(tmp_path: Path) -> None:
    admit_shop(tmp_path, write_shop(tmp_path / "in"))
    assert admitted(tmp_path, "transactions", "DISTINCT customer_id") == [("007",), ("8",)]
    assert admitted(tmp_path, "products", "product_id") == [("0010",), ("0020",), ("0030",)]


def test_ids_of_csv_files_are_never_read_as_numbers(tmp_path: Path) -> None:
    admit_shop(tmp_path, write_shop(tmp_path / "in", customers="customer_id\n1.10\n1e3\n"))
    assert admitted(tmp_path, "customers", "customer_id") == [("1.10",), ("1e3",)]


def test_whole_numbers_that_pandas_stored_as_floats_become_plain_ids(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    write_parquet(landing, "customers", "SELECT unnest([17.0, 1e9]) :: DOUBLE AS customer_id")
    admit_shop(tmp_path, landing)
    assert admitted(tmp_path, "customers", "customer_id") == [("1000000000",), ("17",)]


def test_times_with_an_offset_become_utc(tmp_path: Path) -> None:
    offset = TRANSACTIONS.replace("2017-01-01 15:00:00", "2017-01-01T10:00:00-05:00")
    admit_shop(tmp_path, write_shop(tmp_path / "in", transactions=offset))
    assert admitted(tmp_path, "transactions", "min(transaction_at)") == [(datetime(2017, 1, 1, 15),)]


def test_parquet_times_with_a_zone_become_utc(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "t.csv").write_text(TRANSACTIONS)
    moment = "TIMESTAMPTZ '2017-01-01 10:00:00-05:00'"
    write_parquet(landing, "transactions", f"SELECT * REPLACE ({moment} AS transaction_at) FROM '{landing / 't.csv'}'")
    admit_shop(tmp_path, landing)
    assert admitted(tmp_path, "transactions", "DISTINCT transaction_at") == [(datetime(2017, 1, 1, 15),)]


def test_unknown_columns_are_ignored_and_counted_with_the_likely_name(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", products="product_id,colour,Brand\n0010,red,Own\n")
    manifest, _, said = admit_shop(tmp_path, landing)
    assert any("products" in line and "ignored: colour, Brand." in line for line in said)
    assert [(f.kind, f.count) for f in manifest.findings] == [("ignored_column", 2)]
    assert "Is 'Brand' meant as 'brand'? Rename it." in manifest.findings[0].message


def test_all_files_of_a_folder_are_one_table(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (landing / "products").mkdir()
    (landing / "products.csv").rename(landing / "products" / "a.csv")
    (landing / "products" / "b.csv").write_text("product_id,brand\n0040,Own\n")
    admit_shop(tmp_path, landing)
    assert admitted(tmp_path, "products", "product_id, category, brand")[-1] == ("0040", None, "Own")
    assert len(admitted(tmp_path, "products")) == 4


def test_blank_text_is_unknown_and_rows_without_a_time_are_left_for_the_quality_checks(tmp_path: Path) -> None:
    blank = TRANSACTIONS.replace("8,b2,0010,1,2.50,2017-01-02 04:59:59", " ,b2,0010,1,2.50,")
    admit_shop(tmp_path, write_shop(tmp_path / "in", transactions=blank), "2017-01-02")
    assert admitted(tmp_path, "transactions", "customer_id, transaction_at")[-1] == (None, None)


def test_a_day_before_the_first_line_is_refused_with_the_days_to_choose_from(tmp_path: Path) -> None:
    with pytest.raises(AsOfError, match=r"reach from 2017-01-01 to 2017-01-02.*2017-01-03 uses them all"):
        admit_shop(tmp_path, write_shop(tmp_path / "in"), "2017-01-01")


def test_a_line_from_the_future_does_not_choose_the_day(tmp_path: Path) -> None:
    soon = date.today() + timedelta(days=30)
    landing = write_shop(tmp_path / "in", transactions=TRANSACTIONS.replace("2017-01-02 05:00", f"{soon} 05:00"))
    with pytest.raises(AsOfError, match=f"{soon} 05:00:00 UTC, which is in the future"):
        admit_shop(tmp_path, landing)
    manifest, _, _ = admit_shop(tmp_path, landing, "2017-01-03")
    assert manifest.rows["transactions"] == 3


def test_a_limit_of_customers_holds_in_every_table(tmp_path: Path, small_landing: Path) -> None:
    manifest, _, _ = admit_shop(tmp_path, small_landing, max_customers=100)
    buyers = {row[0] for row in admitted(tmp_path, "transactions", "DISTINCT customer_id")}
    assert len(buyers) == 100
    for table in ("customers", "campaigns", "redemptions"):
        rows = admitted(tmp_path, table, "DISTINCT customer_id")
        assert rows
        assert {row[0] for row in rows} <= buyers
    assert manifest.rows["products"] > 20_000


def test_another_retailers_files_are_admitted_in_their_own_time_zone(tmp_path: Path, other_landing: Path) -> None:
    manifest, _, _ = admit_shop(tmp_path, other_landing, timezone="Europe/Berlin")
    assert manifest.as_of_instant.hour == 23  # Berlin's winter midnight
    assert manifest.rows["transactions"] > 50_000
    assert admitted(tmp_path, "transactions", "min(customer_id), max(customer_id)") == [("C-0001", "C-0150")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_and_quotes_are_understood(tmp_path: Path, delimiter: str) -> None:
    products = f'product_id{delimiter}product_name\n0010{delimiter}"Milk{delimiter} ""fresh"""\n'
    admit_shop(tmp_path, write_shop(tmp_path / "in", products=products))
    assert admitted(tmp_path, "products", "product_name") == [(f'Milk{delimiter} "fresh"',)]
