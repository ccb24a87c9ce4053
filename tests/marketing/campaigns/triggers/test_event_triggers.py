"""Triggers that read files: new products, carts that were left, and dates that come round."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketing.campaigns.errors import CampaignError
from marketing.campaigns.triggers.anniversary import anniversary
from marketing.campaigns.triggers.cart_left import cart_left
from marketing.campaigns.triggers.definitions import Anniversary, CartLeft, NewProduct
from marketing.campaigns.triggers.new_product import new_product
from tests.support.marketing.campaign_shop import NOON


def occurrences(found: pa.Table) -> dict[str, str]:
    return dict(zip(found["customer_id"].to_pylist(), found["occurrence"].to_pylist(), strict=True))


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Two snapshots; at the newer one n1 (maker m1, tea), n2 (m2, soup) and n3 (m1, beer) are new."""
    old, new = datetime(2017, 12, 18, 5), datetime(2018, 1, 1, 5)
    history = [
        ("a", new, ["tea"], [5.0]), ("b", new, ["soup", "tea"], [2.0, 3.0]), ("c", new, ["tea", "n1"], [9.0, 1.0]),
        ("d", new, ["milk"], [9.0]), ("e", old, ["tea"], [9.0]),
    ]  # fmt: skip
    activity = [("n1", new, 3.0), ("n2", new, 14.0), ("n3", new, 1.0), ("tea", new, 200.0), ("old", old, 1.0)]
    content = [
        ("n1", "m1", "tea"), ("n2", "m2", "soup"), ("n3", "m1", "beer"), ("tea", "m1", "tea"), ("soup", "m3", "soup"),
        ("milk", "m4", "milk"), ("old", "m4", "milk"),
    ]  # fmt: skip
    tables: Mapping[str, tuple[tuple[str, ...], list[tuple[object, ...]]]] = {
        "feat_customer_history": (("customer_id", "event_timestamp", "product_ids", "baskets"), list(history)),
        "feat_product_activity": (("product_id", "event_timestamp", "days_since_first_sale"), list(activity)),
        "feat_product_content": (("product_id", "manufacturer_id", "product_type"), list(content)),
    }
    for name, (columns, rows) in tables.items():
        table = pa.table({column: [row[number] for row in rows] for number, column in enumerate(columns)})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"a": "n1", "b": "n1"}),  # c bought it, d buys neither, e was there at the older snapshot only
        ({"same": "product_type", "min_purchases": 2}, {"a": "n1", "b": "n1"}),
        ({"same": "product_type", "min_purchases": 5}, {"a": "n1"}),
        ({"within_days": 2}, {}),
    ],
)
def test_a_new_product_of_a_known_maker_or_type(
    features: Path, options: dict[str, object], expected: dict[str, str]
) -> None:
    trigger = NewProduct.model_validate({"type": "new_product"} | options)
    found = new_product(trigger, features, {"n3"})
    assert occurrences(found) == expected
    assert found["product_ids"].to_pylist() == [[product] for product in expected.values()]


def test_a_restricted_new_product_is_not_shown(features: Path) -> None:
    trigger = NewProduct(type="new_product", same="manufacturer")
    assert occurrences(new_product(trigger, features, {"n1"}))["c"] == "n3"
    assert occurrences(new_product(trigger, features, {"n1", "n3"})) == {}


def events(folder: Path, rows: list[tuple[str, str, str, float]]) -> Path:
    """Events some hours before noon: customer, product, type, hours."""
    columns = ("customer_id", "product_id", "event_type")
    table = pa.table(
        {name: [row[number] for row in rows] for number, name in enumerate(columns)}
        | {"occurred_at": pa.array([NOON - timedelta(hours=row[3]) for row in rows], pa.timestamp("us"))}
    )
    pq.write_table(table, folder / "events.parquet")
    return folder / "events.parquet"


def test_a_cart_is_left_if_nothing_was_bought_since(tmp_path: Path) -> None:
    rows = [
        ("a", "p1", "cart", 9.0), ("a", "p2", "Cart ", 8.0), ("a", "p3", "view", 7.0),
        ("b", "p1", "cart", 9.0), ("b", "p9", "purchase", 8.0),
        ("c", "p1", "cart", 9.0), ("c", "p1", "cart", 1.0),
        ("d", "p1", "cart", 60.0),
        ("e", "p1", "cart", 20.0), ("e", "p1", "purchase", 19.0), ("e", "p2", "cart", 10.0),
        ("f", "p1", "cart", -1.0),
    ]  # fmt: skip
    found = cart_left(CartLeft(type="cart_left"), events(tmp_path, rows), NOON)
    assert occurrences(found) == {"a": "2018-01-01T09:00:00", "e": "2018-01-01T07:00:00"}
    assert found["product_ids"].to_pylist() == [["p2", "p1"], ["p2"]]


def test_products_that_were_taken_out_of_the_cart_are_not_left_there(tmp_path: Path) -> None:
    rows = [
        ("a", "p1", "cart", 9.0), ("a", "p1", "remove_from_cart", 8.0),
        ("b", "p1", "cart", 9.0), ("b", "p1", "remove_from_cart", 8.0), ("b", "p2", "cart", 7.0),
        ("c", "p1", "remove_from_cart", 9.0), ("c", "p1", "cart", 8.0),
    ]  # fmt: skip
    found = cart_left(CartLeft(type="cart_left"), events(tmp_path, rows), NOON)
    assert occurrences(found) == {"b": "2018-01-01T10:00:00", "c": "2018-01-01T09:00:00"}
    assert found["product_ids"].to_pylist() == [["p2"], ["p1"]]


def test_a_cart_that_grows_is_a_new_occurrence_and_the_same_cart_is_not(tmp_path: Path) -> None:
    file = events(tmp_path, [("a", "p1", "cart", 9.0), ("a", "p2", "cart", 1.0)])
    at = [cart_left(CartLeft(type="cart_left"), file, NOON + timedelta(hours=hours)) for hours in (-4, 0, 4, 8)]
    assert [list(occurrences(found).values()) for found in at] == [
        ["2018-01-01T08:00:00"], [], ["2018-01-01T16:00:00"], ["2018-01-01T16:00:00"],
    ]  # fmt: skip


def dates(folder: Path, **days: str) -> Path:
    file = folder / "dates.csv"
    file.write_text("customer_id,born\n" + "".join(f"{one},{day}\n" for one, day in days.items()))
    return file


@pytest.mark.parametrize(
    ("day", "options", "expected"),
    [
        (date(2018, 1, 1), {}, {"a": "born:2018", "c": "born:2017"}),
        (date(2018, 1, 1), {"within_days": 0}, {"a": "born:2018"}),
        (date(2017, 12, 25), {"days_before": 7}, {"a": "born:2018", "c": "born:2017"}),
        (date(2018, 2, 28), {}, {"b": "born:2018"}),
        (date(2020, 2, 29), {"within_days": 0}, {"b": "born:2020"}),
        (date(2018, 6, 1), {}, {}),
    ],
)
def test_a_date_comes_round(tmp_path: Path, day: date, options: dict[str, object], expected: dict[str, str]) -> None:
    file = dates(tmp_path, a="1980-01-01", b="1980-02-29", c="1990-12-30", d="2018-06-01")
    trigger = Anniversary.model_validate({"type": "anniversary", "file": "dates.csv", "column": "born"} | options)
    assert occurrences(anniversary(trigger, file, day)) == expected


@pytest.mark.parametrize(("column", "born"), [("birthday", "1980-01-01"), ("born", "soon")])
def test_dates_that_cannot_be_used_are_named(tmp_path: Path, column: str, born: str) -> None:
    trigger = Anniversary(type="anniversary", file="dates.csv", column=column)
    with pytest.raises(CampaignError, match=rf"dates.csv cannot be used .* the column '{column}' with dates such as"):
        anniversary(trigger, dates(tmp_path, a=born), date(2018, 1, 1))


def test_a_missing_file_of_dates_is_named(tmp_path: Path) -> None:
    trigger = Anniversary(type="anniversary", file="none.csv", column="born")
    with pytest.raises(CampaignError, match=r"none.csv cannot be used"):
        anniversary(trigger, tmp_path / "none.csv", date(2018, 1, 1))
