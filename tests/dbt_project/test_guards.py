"""The data tests can fail: each is shown a warehouse in which somebody broke what it guards."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.dbt_project.conftest import Built
from tests.support.dbt_project.runs import dbt, staged, statuses

DAMAGES = {
    "money_and_quantities_reconcile_to_the_cent": (
        "UPDATE fct_purchases SET spend = spend + 0.01 WHERE rowid = (SELECT min(rowid) FROM fct_purchases)"
    ),
    "no_admitted_row_is_newer_than_the_day_of_the_run": (
        "CREATE OR REPLACE VIEW stg_landing__redemptions AS SELECT 'c1' AS customer_id, 'x' AS coupon_id, "
        "'k1' AS campaign_id, DATE '2017-12-04' AS redeemed_on"
    ),
    "no_promotion_row_is_lost_in_the_aggregation": "DELETE FROM int_promotion_periods WHERE product_id = 'p5'",
    "a_purchase_is_never_a_return": "UPDATE int_purchases SET quantity = -1 WHERE basket_id = 'b7'",
    "unique_dim_products_product_id": "INSERT INTO dim_products SELECT * FROM dim_products WHERE product_id = 'p1'",
    "an_event_says_who_did_what_and_when": "UPDATE fct_events SET customer_id = NULL WHERE event_id = 'e3'",
    "a_decision_is_counted_once": "INSERT INTO fct_decisions SELECT * FROM fct_decisions WHERE position = 1",
    "a_product_has_empty_texts_rather_than_nulls": "UPDATE dim_products SET brand = NULL WHERE product_id = 'p2'",
}
# Changes of a staged file, as a SELECT from it.
FORGERIES = {
    "no_feature_row_knows_anything_after_its_snapshot": (
        "customer_purchases",
        "SELECT * REPLACE (list_append(product_ids, 'tomorrow') AS product_ids)",
    ),
    "every_feature_row_is_dated_by_a_snapshot": (
        "customer_profile",
        "SELECT * REPLACE (created_timestamp + INTERVAL 1 DAY AS created_timestamp)",
    ),
    "no_offer_knows_anything_after_its_instant": (
        "customer_offers",
        "SELECT * REPLACE (total_products + 1 AS total_products)",
    ),
    "the_lists_of_a_feature_row_are_aligned": (
        "customer_history",
        "SELECT * REPLACE (spend[2:] AS spend)",
    ),
    "product_activity_shares_are_shares": ("product_activity", "SELECT * REPLACE (1.5 AS rebuy_rate)"),
}


@pytest.fixture(scope="module")
def judged(built: Built, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every data test's status in a copy of the build that was damaged in all these ways."""
    data = tmp_path_factory.mktemp("damaged") / "data"
    shutil.copytree(built.data, data)
    with duckdb.connect(str(data / "warehouse" / "reach.duckdb")) as warehouse:
        for feature, query in FORGERIES.values():
            forge(staged(data, feature), query)
        # The warehouse's views still look at the files they were made for.
        for feature, _ in FORGERIES.values():
            warehouse.execute(f"CREATE OR REPLACE VIEW feat_{feature} AS SELECT * FROM '{staged(data, feature)}'")
        for damage in DAMAGES.values():
            warehouse.execute(damage)
    return statuses(dbt(data, "test", "--exclude", "test_type:unit"))


def forge(file: Path, query: str) -> None:
    forged = file.with_suffix(".forged")
    duckdb.execute(f"COPY ({query} FROM '{file}') TO '{forged}' (FORMAT parquet)")
    forged.rename(file)


@pytest.mark.parametrize("guard", [*DAMAGES, *FORGERIES])
def test_the_guard_sees_the_damage(judged: dict[str, str], guard: str):
    assert judged[guard] == "fail"


def test_guards_of_what_is_whole_still_pass(judged: dict[str, str]):
    assert judged["a_customer_has_one_history_a_snapshot"] == "pass"
    assert judged["a_campaign_says_who_received_it_and_when"] == "pass"
