"""Feature tables and a training set small enough to check by hand, in the shape the checkpoints expect.

Five points in time two weeks apart, sixty customers with three products each; values are made by formula.
"""

import json
from pathlib import Path

import duckdb

from tests.support.feature_store.synthetic_features import write_empty_campaign_tables
from tests.support.quality.judging import AS_OF

# The shop's midnights in New York, two weeks apart: the clocks changed on 5 November.
MOMENTS = ["2018-01-01 05:00", "2017-12-18 05:00", "2017-12-04 05:00", "2017-11-20 05:00", "2017-11-06 05:00"]

_MOMENT = "(SELECT unnest([" + ", ".join(f"TIMESTAMP '{moment}'" for moment in MOMENTS) + "]) AS event_timestamp)"
_TIMES = "event_timestamp, event_timestamp AS created_timestamp"
_CUSTOMERS = "(SELECT 'c' || i AS customer_id, i FROM range(60) AS t(i))"
_PRODUCTS = "(SELECT 'p' || i AS product_id, i FROM range(9) AS t(i))"
_BOUGHT = "['p' || (i % 3), 'p' || (3 + i % 3), 'p' || (6 + i % 3)]"

TABLES = {
    "feat_customer_history": f"""
        SELECT customer_id, {_TIMES}, {_BOUGHT} AS product_ids, [3.0, 2.0, 1.0]::FLOAT[] AS baskets,
               [1.5, 7.0, 20.0 + i]::FLOAT[] AS days_since_last
        FROM {_CUSTOMERS}, {_MOMENT}""",
    "feat_customer_profile": f"""
        SELECT customer_id, {_TIMES}, 6.0::DOUBLE + i AS baskets, i / 2 AS spend_4w, 0.1::DOUBLE AS discount_share,
               (i % 2)::DOUBLE AS coupon_redemptions, CASE WHEN i > 9 THEN '45-54' ELSE '' END AS age_band
        FROM {_CUSTOMERS}, {_MOMENT}""",
    "feat_product_content": f"""
        SELECT product_id, TIMESTAMP '1970-01-01' AS event_timestamp, TIMESTAMP '1970-01-01' AS created_timestamp,
               'Milk ' || i AS product_name, 'DAIRY' AS category
        FROM {_PRODUCTS}""",
    "feat_product_activity": f"""
        SELECT product_id, {_TIMES}, 20.0::DOUBLE + i AS buyers, 1.99::DOUBLE AS price, 1 / 3 AS share_in_type_8w,
               i - 4.0::DOUBLE AS trend, i / 8 AS mailer_stores
        FROM {_PRODUCTS}, {_MOMENT}""",
    "feat_customer_purchases": f"""
        SELECT customer_id, {_TIMES}, ['p' || (i % 3), 'p' || ((i + 1) % 9)] AS product_ids
        FROM {_CUSTOMERS}, {_MOMENT}""",
    "feat_customer_categories": f"""
        SELECT customer_id, {_TIMES}, ['BREAD', 'MILK'] AS categories, ['BAKERY', 'DAIRY'] AS departments,
               [1.0, i]::FLOAT[] AS baskets, [0.0, i / 2]::FLOAT[] AS baskets_4w
        FROM {_CUSTOMERS}, {_MOMENT}""",
    "feat_customer_outcomes": f"""
        SELECT customer_id, {_TIMES}, [1, 0, 0, 0, 2, 0, 0, 0]::FLOAT[] AS weekly_baskets,
               [9.5, 0, 0, 0, i, 0, 0, 0]::FLOAT[] AS weekly_spend
        FROM {_CUSTOMERS}, {_MOMENT}""",
    "feat_customer_habits": f"""
        SELECT customer_id, {_TIMES}, 1.0::DOUBLE + i AS baskets, 20.0::DOUBLE AS basket_value,
               i / 60 AS evening_share, i / 60 - 0.5 AS price_position, 's' || (i % 3) AS store_id
        FROM {_CUSTOMERS}, {_MOMENT}""",
}


def stage_features(data: Path) -> Path:
    """Write the tables to the data directory as dbt stages them; returns their folder."""
    folder = _write(data / "features" / "staged", TABLES)
    write_empty_campaign_tables(folder)
    return folder


def write_training_set(data: Path, run_id: str) -> Path:
    """Write a run's plan and training set; labels are what was bought in the four weeks after a snapshot."""
    run = data / "runs" / run_id
    by_customer, moment = "USING (customer_id, event_timestamp)", "event_timestamp AS snapshot"
    history, profile, content, activity, purchases = (f"({query})" for query in list(TABLES.values())[:5])
    folder = _write(
        run / "dataset",
        {
            "customers": f"""
                SELECT customer_id, {moment}, history.product_ids AS customer_history__product_ids,
                       history.baskets AS customer_history__baskets,
                       days_since_last AS customer_history__days_since_last,
                       spend_4w AS customer_profile__spend_4w, age_band AS customer_profile__age_band
                FROM {history} AS history JOIN {profile} AS profile {by_customer}""",
            "products": f"""
                SELECT product_id, activity.{moment}, price AS product_activity__price,
                       trend AS product_activity__trend, category AS product_content__category
                FROM {activity} AS activity JOIN {content} AS content USING (product_id)""",
            "labels": f"""
                SELECT customer_id, {moment}, product_ids FROM {purchases}
                WHERE event_timestamp <= TIMESTAMP '{MOMENTS[2]}'""",
        },
    )
    (run / "run_spec.json").write_text(json.dumps({"as_of": AS_OF.isoformat()}))
    return folder


def _write(folder: Path, tables: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for table, query in tables.items():
            connection.execute(f"COPY ({query}) TO '{folder / table}.parquet' (FORMAT parquet)")
    return folder
