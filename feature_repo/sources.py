"""The published feature tables, one Parquet file each, as dbt's `marts/features` writes them."""

from pathlib import Path

from feast import FileSource

from feature_repo.entities import OWNER

TABLES = {
    "feat_customer_history": "One row per customer and snapshot: arrays over every product bought before it.",
    "feat_customer_profile": "One row per customer and snapshot: numbers and traits of the customer as a whole.",
    "feat_product_content": "One row per product: attributes from the catalogue; undated, true at any time.",
    "feat_product_activity": "One row per product and snapshot: recent buyers, price and promotion.",
    "feat_customer_habits": "One row per customer and snapshot: habits over the last 26 weeks, whole and by halves.",
    "feat_customer_purchases": "One row per customer and snapshot: what was bought in the 4 weeks before it.",
    "feat_customer_outcomes": "One row per customer and snapshot: baskets and spend in each of the 8 weeks before it.",
    "feat_customer_categories": "One row per customer and snapshot: arrays over every category bought from before it.",
    "feat_customer_offers": "One row per customer and campaign's start: what was bought of its coupons' products.",
    "feat_campaign_coupons": "One row per campaign and start: breadth, sales and worth of its coupons.",
    "feat_customer_redemptions": "One row per customer and campaign's end: which coupons were redeemed.",
}


def feature_sources(published: Path) -> dict[str, FileSource]:
    """One source a table, by table name.

    published: the folder of *one* publication, not the link to the newest. The registry so pins a publication:
    a training run that began on it reads the same tables to its end, regardless of later publications.
    """
    return {
        table: FileSource(
            name=table,
            path=str(published / f"{table}.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
            description=description,
            owner=OWNER,
        )
        for table, description in TABLES.items()
    }
