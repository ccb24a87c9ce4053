"""Each defect planted in a landing is caught by the expectation that is named for it."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from landing.errors import ContractError, SourceError
from tests.support.quality.judging import Broken, admit_landing, broken, copy_landing, plant

Found = dict[str, Broken]
Judge = Callable[[], Found]

DAY = "CAST(transaction_at AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York' AS DATE)"
NEW_IDS = "SELECT * REPLACE (basket_id || '{0}' AS basket_id, transaction_at + INTERVAL {0} MINUTES AS transaction_at)"
ON_THE_12TH = f"FROM {{t}} WHERE {DAY} = DATE '2017-12-12'"


@pytest.fixture
def landing(tmp_path: Path, small_landing: Path) -> Path:
    return copy_landing(small_landing, tmp_path / "in")


@pytest.fixture
def found(tmp_path: Path, landing: Path) -> Judge:
    """Admit the present landing, and run its checks."""

    def judge() -> Found:
        admit_landing(tmp_path / "data", landing)
        return broken("landing", tmp_path / "data")

    return judge


def test_real_data_break_nothing_but_the_christmas_closure(found: Judge) -> None:
    closed = found()
    assert list(closed) == ["every_recent_selling_day_has_lines"]
    assert closed["every_recent_selling_day_has_lines"].details.startswith("2017-12-25 ")
    assert closed["every_recent_selling_day_has_lines"].severity == "warning"


def test_another_retailers_data_break_nothing_critical(tmp_path: Path, other_landing: Path) -> None:
    day = date(2019, 12, 30)
    admit_landing(tmp_path / "data", other_landing, day)
    assert all(item.severity == "warning" for item in broken("landing", tmp_path / "data", as_of=day).values())


@pytest.mark.parametrize(
    ("table", "query", "expected", "severity", "who"),
    [
        pytest.param(
            "transactions",
            "SELECT * REPLACE (CASE WHEN transaction_at < '2017-12-31' THEN basket_id END AS basket_id) FROM {t}",
            "required_values_are_present",
            "critical",
            "transactions.basket_id (missing 262), such as the row of product_id",
            id="null basket ids",
        ),
        pytest.param(
            "coupons",
            "SELECT * REPLACE (CASE WHEN row_number() OVER () > 1 THEN coupon_id END AS coupon_id) FROM {t}",
            "required_values_are_present",
            "critical",
            "coupons.coupon_id",
            id="null coupon id",
        ),
        pytest.param(
            "transactions",
            "SELECT * REPLACE (CASE WHEN row_number() OVER () = 9 THEN -2.0 ELSE sales_value END AS sales_value),"
            " FROM {t}",
            "unit_prices_are_not_negative",
            "warning",
            "(negative_prices 1), such as product_id 885750, transaction_at 2017-03-27 12:50:51, quantity 1.0",
            id="one negative price",
        ),
        pytest.param(
            "transactions",
            "SELECT * REPLACE (CASE WHEN basket_id LIKE '%1' THEN -2.0 ELSE sales_value END AS sales_value) FROM {t}",
            "hardly_any_unit_price_is_negative",
            "warning",
            "",
            id="many negative prices",
        ),
        pytest.param(
            "transactions",
            "SELECT * REPLACE (-sales_value AS sales_value) FROM {t}",
            "most_unit_prices_are_positive",
            "critical",
            "",
            id="all prices negative",
        ),
        pytest.param(
            "transactions",
            "SELECT * REPLACE (CASE WHEN basket_id LIKE '%1' THEN customer_id END AS customer_id) FROM {t}",
            "most_lines_name_their_customer",
            "warning",
            "anonymous_share 0.9",
            id="mostly anonymous lines",
        ),
        pytest.param(
            "transactions",
            "SELECT * REPLACE (CASE WHEN basket_id LIKE '%1' THEN 'X' ELSE customer_id END AS customer_id) FROM {t}",
            "no_customer_holds_an_implausible_share_of_baskets",
            "warning",
            "such as one customer with 3.",
            id="a till's own card",
        ),
        pytest.param(
            "transactions",
            "SELECT * REPLACE (-retail_discount AS retail_discount) FROM {t}",
            "discounts_are_positive_money",
            "warning",
            "",
            id="discounts with the other sign",
        ),
        pytest.param(
            "transactions",
            f"FROM {{t}} UNION ALL {ON_THE_12TH}",
            "no_day_is_loaded_twice",
            "critical",
            "2017-12-12",
            id="a day loaded twice",
        ),
        pytest.param(
            "transactions",
            "FROM {t} UNION ALL SELECT * REPLACE (transaction_at + INTERVAL 1 DAY AS transaction_at)"
            f" FROM {{t}} WHERE {DAY} = DATE '2017-12-24'",
            "no_day_repeats_an_earlier_one",
            "critical",
            "2017-12-25",
            id="a day loaded under another date",
        ),
        pytest.param(
            "transactions",
            f"FROM {{t}} WHERE {DAY} <> DATE '2017-12-12'",
            "every_recent_selling_day_has_lines",
            "warning",
            "2017-12-12",
            id="a day missing",
        ),
        pytest.param(
            "transactions",
            f"FROM {{t}} WHERE {DAY} NOT BETWEEN DATE '2017-12-12' AND DATE '2017-12-16'",
            "recent_days_are_mostly_there",
            "warning",
            "missing_recent_days 6",
            id="most of a week missing",
        ),
        pytest.param(
            "transactions",
            "FROM {t} WHERE transaction_at < '2017-12-20'",
            "lines_are_fresh",
            "warning",
            "days_since_newest_line 12",
            id="stale lines",
        ),
        pytest.param(
            "transactions",
            "FROM {t} WHERE transaction_at < '2017-09-25'",
            "as_of_is_near_the_newest_line",
            "critical",
            "days_since_newest_line 98",
            id="a mistyped day",
        ),
        pytest.param(
            "transactions",
            "SELECT * REPLACE (right(basket_id, 3) AS basket_id) FROM {t}",
            "basket_ids_are_not_used_again",
            "warning",
            "such as basket ",
            id="receipt numbers that begin again",
        ),
        pytest.param(
            "transactions",
            " UNION ALL ".join(["FROM {t}", *(f"{NEW_IDS.format(copy)} {ON_THE_12TH}" for copy in range(1, 10))]),
            "recent_volume_is_usual",
            "warning",
            "2017-12-12",
            id="ten times the volume",
        ),
        pytest.param(
            "transactions",
            f"FROM {{t}} WHERE {DAY} <> DATE '2017-12-12' OR basket_id LIKE '%1'",
            "recent_volume_is_usual",
            "warning",
            "2017-12-12",
            id="a tenth of the volume",
        ),
        pytest.param(
            "products",
            "FROM {t} WHERE product_id NOT IN (SELECT product_id FROM {t} ORDER BY md5(product_id) LIMIT 1000)",
            "products_sold_are_in_the_catalogue",
            "warning",
            "orphan_line_share",
            id="orphan products",
        ),
        pytest.param(
            "products",
            "SELECT * REPLACE ('0' || product_id AS product_id) FROM {t}",
            "most_products_sold_are_in_the_catalogue",
            "critical",
            "",
            id="product ids written otherwise",
        ),
        pytest.param(
            "products",
            "FROM {t} UNION ALL (FROM {t} LIMIT 1)",
            "products_are_unique",
            "critical",
            "repeated_products 1",
            id="a product twice",
        ),
        pytest.param(
            "customers",
            "FROM {t} UNION ALL (FROM {t} LIMIT 1)",
            "customers_are_unique",
            "critical",
            "repeated_customers 1",
            id="a customer twice",
        ),
    ],
)
def test_defect_is_caught_by_name(
    landing: Path, found: Judge, table: str, query: str, expected: str, severity: str, who: str
) -> None:
    plant(landing, table, query)
    caught = found()[expected]
    assert caught.severity == severity
    assert who in caught.details


def test_consents_and_addresses_that_nobody_can_use_are_warned_about(landing: Path, found: Judge) -> None:
    for made in ("consents", "contacts"):
        (landing / f"{made}.parquet").unlink()
    rows = "x1,email,marketing,true,2019-01-01\nx1,email,marketing,false,2019-01-01\n"
    (landing / "consents.csv").write_text("customer_id,channel,purpose,granted,since\n" + rows)
    (landing / "contacts.csv").write_text("customer_id,channel,address\nx1,email,nobody-at-shop\n")
    (landing / "bounces.csv").write_text("customer_id,channel,kind,bounced_at\nx1,email,full,2017-01-01\n")
    caught = found()
    for name in (
        *("consents_do_not_contradict_each_other", "consents_are_not_of_the_future", "most_contacts_are_customers"),
        *("most_addresses_can_be_used", "bounces_are_hard_or_soft"),
    ):
        assert caught[name].severity == "warning"
    assert "not exactly one @" in caught["most_addresses_can_be_used"].details
    assert "nobody-at-shop" not in str(caught)


def test_coupon_values_that_would_pass_any_budget_or_stand_twice_are_caught(landing: Path, found: Judge) -> None:
    (landing / "coupon_values.csv").write_text("coupon_id,face_value,margin\nc1,0,1\nc1,2,1\n")
    caught = found()
    assert "coupon c1" in caught["coupon_values_are_unique"].details
    assert "face_value 0" in caught["face_values_are_positive"].details
    assert {caught[name].severity for name in ("coupon_values_are_unique", "face_values_are_positive")} == {"critical"}
    assert caught["coupon_values_name_known_coupons"].severity == "warning"


def test_a_category_renamed_for_new_lines_is_caught(landing: Path, found: Judge) -> None:
    # the till's new numbers of soft drinks carry a new category name; old lines keep the old one
    soft = "SELECT product_id FROM '" + str(landing / "products.parquet") + "' WHERE category = 'SOFT DRINKS'"
    plant(
        landing,
        "transactions",
        "SELECT * REPLACE (CASE WHEN transaction_at >= '2017-12-04 05:00' AND product_id IN (" + soft + ")"
        " THEN 'n' || product_id ELSE product_id END AS product_id) FROM {t}",
    )
    plant(
        landing,
        "products",
        "FROM {t} UNION ALL SELECT * REPLACE ('n' || product_id AS product_id, 'SODA' AS category) FROM {t}"
        " WHERE category = 'SOFT DRINKS'",
    )
    assert found()["categories_sell_as_before"].severity == "warning"


def test_a_category_renamed_in_the_whole_catalogue_is_caught_at_the_next_run(landing: Path, found: Judge) -> None:
    assert "categories_keep_their_names" not in found()
    plant(landing, "products", "SELECT * REPLACE (replace(category, 'SOFT DRINKS', 'SODA') AS category) FROM {t}")
    assert found()["categories_keep_their_names"].severity == "warning"
    assert "categories_keep_their_names" not in found()  # what is warned of once becomes the new normal


def test_a_catalogue_regrouped_for_new_lines_is_flagged(landing: Path, found: Judge) -> None:
    plant(
        landing,
        "transactions",
        "SELECT * REPLACE (CASE WHEN transaction_at >= '2017-12-04 05:00' THEN 'n' || product_id ELSE product_id"
        " END AS product_id) FROM {t}",
    )
    plant(
        landing,
        "products",
        "FROM {t} UNION ALL SELECT * REPLACE ('n' || product_id AS product_id, 'NEW ' || department AS category)"
        " FROM {t}",
    )
    assert found()["the_mix_of_categories_is_stable"].severity == "warning"


def test_a_future_line_is_not_admitted_and_would_be_caught_if_it_were(
    tmp_path: Path, landing: Path, found: Judge
) -> None:
    plant(
        landing,
        "transactions",
        "FROM {t} UNION ALL (SELECT * REPLACE (TIMESTAMP '2018-01-05' AS transaction_at) FROM {t} LIMIT 1)",
    )
    assert "lines_lie_before_as_of" not in found()
    # an admission of a later day under an earlier day's name
    manifest = tmp_path / "data" / "admitted" / "manifest.json"
    wrong = json.loads(manifest.read_text()) | {"as_of": "2017-12-30", "as_of_instant": "2017-12-30T05:00:00"}
    manifest.write_text(json.dumps(wrong))
    assert (
        broken("landing", tmp_path / "data", as_of=date(2017, 12, 30))["lines_lie_before_as_of"].severity == "critical"
    )


def test_a_truncated_or_changed_admitted_file_is_caught(tmp_path: Path, found: Judge) -> None:
    found()
    path = tmp_path / "data" / "admitted" / "products.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-2000])
    caught = broken("landing", tmp_path / "data")
    assert list(caught) == [
        "admitted_files_can_be_read",
        "admitted_files_are_as_admitted",
        "required_tables_have_rows",
    ]
    assert all("products.parquet" in item.details and item.severity == "critical" for item in caught.values())
    path.write_bytes(whole)
    plant(path.parent, "products", "FROM {t}")
    assert list(broken("landing", tmp_path / "data")) == ["admitted_files_are_as_admitted"]


def test_a_wrong_type_and_a_truncated_file_do_not_pass_the_admission(landing: Path, found: Judge) -> None:
    path = landing / "products.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-2000])
    with pytest.raises(SourceError, match=r"products\.parquet"):
        found()
    path.write_bytes(whole)
    plant(landing, "transactions", "SELECT * REPLACE ('much' AS sales_value) FROM {t}")
    with pytest.raises(ContractError, match="'sales_value' holds 'much'"):
        found()
