"""Dates that cannot be, and numbers that no till prints, are refused with their value and what to do."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from landing.errors import AsOfError, ContractError
from settings import Settings
from tests.support.landing.shop import TRANSACTIONS, admit_shop, admitted, write_parquet, write_shop

pytestmark = pytest.mark.integration

PROMOTIONS = "product_id,starts_on,ends_on\n0010,2016-12-30,{}\n"


def _refused(tmp_path: Path, **tables: str) -> str:
    with pytest.raises(ContractError) as caught:
        admit_shop(tmp_path, write_shop(tmp_path / "in", **tables), as_of="2017-01-03")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("17-01-01 15:00", "before 1990-01-01. Is the year written with two digits"),
        ("02-01-17 15:00", "before 1990-01-01"),  # day, month, year: DuckDB reads the year 2
        ("1899-12-30 00:00:00", "before 1990-01-01"),
        ("1900-01-01 00:00:00", "before 1990-01-01"),
        ("1970-01-01 00:00:00", "before 1990-01-01"),
        ("9999-12-31 00:00:00", "more than a year ahead. Does it stand for 'still open'"),
        ("99999-12-31 00:00:00", "more than a year ahead"),
        ("2017-01-02 15:00:00 BST", "expected a timestamp"),  # London's summer, or Bangladesh: DuckDB takes the latter
        ("infinity", "not finite"),
        ("-infinity", "not finite"),
        ("01/02/2017 10:00", "expected a timestamp"),
        ("1.2.2017", "expected a timestamp"),
        ("20170101", "expected a timestamp"),
        ("1483282800", "expected a timestamp"),
    ],
)
def test_a_date_that_cannot_be_is_refused_with_row_and_value(tmp_path: Path, written: str, reason: str) -> None:
    lines = TRANSACTIONS.replace("2017-01-02 05:00:00", written)
    message = _refused(tmp_path, transactions=lines)
    assert f"transactions.csv in {tmp_path / 'in'}, row 4: the column 'transaction_at' holds '{written}'" in message
    assert reason in message


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "DATE"])
def test_a_parquet_date_that_cannot_be_is_refused(tmp_path: Path, kind: str) -> None:
    landing = write_shop(tmp_path / "in")
    line = "'c' AS customer_id, 'b' AS basket_id, '0010' AS product_id, 1 AS quantity, 1 AS sales_value"
    write_parquet(landing, "transactions", f"SELECT {line}, {kind} '0026-01-10' AS transaction_at")
    with pytest.raises(ContractError, match="set REACH_EARLIEST_DAY"):
        admit_shop(tmp_path, landing)


def test_a_shop_older_than_the_setting_moves_it(tmp_path: Path) -> None:
    lines = TRANSACTIONS.replace("2017-01-01 15:00:00", "1985-05-05 15:00:00")
    landing = write_shop(tmp_path / "in", transactions=lines)
    with pytest.raises(ContractError, match="1990-01-01"):
        admit_shop(tmp_path, landing)
    assert admit_shop(tmp_path, landing, earliest_day=date(1980, 1, 1))[0].rows["transactions"] == 4


def test_the_setting_is_part_of_what_an_admission_is_made_of(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing)
    with pytest.raises(ContractError, match="2017-01-02"):
        admit_shop(tmp_path, landing, earliest_day=date(2017, 1, 2))


@pytest.mark.parametrize("ends_on", ["9999-12-31", "2017-03-01"])
def test_a_promotion_may_last_until_further_notice(tmp_path: Path, ends_on: str) -> None:
    landing = write_shop(tmp_path / "in", promotions=PROMOTIONS.format(ends_on))
    admit_shop(tmp_path, landing, as_of="2017-01-03")
    assert admitted(tmp_path, "promotions", "CAST(ends_on AS VARCHAR)") == [(ends_on,)]


@pytest.mark.parametrize("ends_on", ["infinity", "17-03-01"])
def test_a_promotion_ends_on_a_day_that_can_be(tmp_path: Path, ends_on: str) -> None:
    assert "'ends_on' holds" in _refused(tmp_path, promotions=PROMOTIONS.format(ends_on))


def test_a_line_within_a_year_ahead_is_left_to_the_chosen_day(tmp_path: Path) -> None:
    soon = date.today() + timedelta(days=30)
    landing = write_shop(tmp_path / "in", transactions=TRANSACTIONS.replace("2017-01-02 05", f"{soon} 05"))
    assert admit_shop(tmp_path, landing, as_of="2017-01-03")[0].tables["transactions"].not_yet_known == 1


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('"1.234,50"', "with a decimal point and without thousands separators"),
        ('"1,234.50"', "with a decimal point and without thousands separators"),
        ("1_000", "expected a number"),
        ("0x10", "expected a number"),
        ("$9.99", "expected a number"),
        ("nan", "not finite"),
        ("-inf", "not finite"),
        ("1e13", "beyond 1,000,000,000,000"),
    ],
)
def test_a_number_that_no_till_prints_is_refused(tmp_path: Path, written: str, reason: str) -> None:
    message = _refused(tmp_path, transactions=TRANSACTIONS.replace("9.99", written))
    value = written.strip('"')
    assert f"row 4: the column 'sales_value' holds '{value}'" in message
    assert reason in message


def test_a_number_beyond_the_warehouse_is_refused_in_parquet_too(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    line = "'c' AS customer_id, 'b' AS basket_id, '0010' AS product_id, TIMESTAMP '2017-01-01' AS transaction_at"
    write_parquet(landing, "transactions", f"SELECT {line}, 1 AS quantity, 1e15 :: BIGINT AS sales_value")
    with pytest.raises(ContractError, match="the largest number that Reach computes with"):
        admit_shop(tmp_path, landing)


HOURS = """customer_id,basket_id,product_id,quantity,sales_value,transaction_at
1,in the gap's day,0010,1,2.50,2017-03-12T23:30:00-04:00
1,the next day,0010,1,2.50,2017-03-13T00:15:00-04:00
1,before the overlap,0010,1,2.50,2017-11-05T01:30:00-04:00
1,an hour later,0010,1,2.50,2017-11-05T01:30:00-05:00
1,the last minute of 25 hours,0010,1,2.50,2017-11-05T23:59:00-05:00
"""


def test_days_of_23_and_25_hours_begin_and_end_at_the_shops_midnight(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", transactions=HOURS)
    spring, _, _ = admit_shop(tmp_path, landing, "2017-03-13")
    assert spring.as_of_instant == datetime(2017, 3, 13, 4)  # 23 hours after 12 March, 05:00
    assert admitted(tmp_path, "transactions", "basket_id") == [("in the gap's day",)]
    autumn, _, _ = admit_shop(tmp_path, landing)
    assert autumn.as_of == date(2017, 11, 6)
    assert autumn.as_of_instant == autumn.events_from == datetime(2017, 11, 6, 5)  # 25 hours after 5 November, 04:00
    assert autumn.rows["transactions"] == 5
    times = dict(admitted(tmp_path, "transactions", "basket_id, transaction_at"))
    assert times["an hour later"] - times["before the overlap"] == timedelta(hours=1)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_at_the_end_of_the_calendar_is_refused_in_words(tmp_path: Path, day: str) -> None:
    with pytest.raises(AsOfError, match=f"{day} is not a day that a run can have. Choose one until 2017-01-03"):
        admit_shop(tmp_path, write_shop(tmp_path / "in"), as_of=day)
    with pytest.raises(ValueError, match=f"{day} is not a day that a run can have"):
        Settings(as_of=date.fromisoformat(day))
