"""Find customers who buy the maker or the type of a new product."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from core.duckdb_engine import read_parquet
from marketing.campaigns.targets.rows import target_rows
from marketing.campaigns.triggers.definitions import NewProduct

FILES = ("feat_customer_history.parquet", "feat_product_activity.parquet", "feat_product_content.parquet")
SAME: dict[str, tuple[str, ...]] = {"manufacturer": ("manufacturer_id",), "product_type": ("product_type",)}
SAME["either"] = (*SAME["manufacturer"], *SAME["product_type"])


def new_product(
    trigger: NewProduct, features: Path, restricted: Collection[str], until: datetime = datetime.max
) -> pa.Table:
    """Return, per customer, the new product whose maker or type the customer bought most often.

    A product that the customer bought already is left out. A product is new for a customer once, so the product is the
    occurrence.

    Args:
        trigger: the days, the least purchases, and what has to be the same.
        features: the folder of published feature tables; the newest snapshot is read.
        restricted: products that no message may name.
        until: later snapshots are not read (naive UTC).

    Returns:
        Rows of `TARGETS`, by customer_id, with the product; `probability` is empty.
    """
    history, activity, content = (read_parquet(features / name) for name in FILES)
    newest = "event_timestamp = (SELECT max(event_timestamp) FROM {0} WHERE event_timestamp <= $until)"
    bought_of = " UNION ALL ".join(
        f"SELECT customer_id, '{column}' AS level, {column} AS name, sum(baskets) AS purchases FROM bought "
        f"JOIN content USING (product_id) WHERE {column} IS NOT NULL AND {column} <> '' GROUP BY ALL"
        for column in SAME[trigger.same]
    )
    new_of = " UNION ALL ".join(
        f"SELECT product_id, '{column}' AS level, {column} AS name FROM new JOIN content USING (product_id)"
        for column in SAME[trigger.same]
    )
    with duckdb.connect() as connection:
        connection.register("barred", pa.table({"product_id": pa.array(sorted(restricted), pa.string())}))
        found = connection.sql(
            f"""
            WITH content AS (SELECT * FROM {content}),
            bought AS (
                SELECT customer_id, unnest(product_ids) AS product_id, unnest(baskets) AS baskets
                FROM {history} WHERE {newest.format(history)}
            ),
            new AS (
                SELECT product_id FROM {activity} ANTI JOIN barred USING (product_id)
                WHERE {newest.format(activity)} AND days_since_first_sale <= $days
            ),
            bought_of AS ({bought_of}), new_of AS ({new_of}),
            fitting AS (
                SELECT customer_id, product_id, max(purchases) AS purchases
                FROM bought_of JOIN new_of USING (level, name) WHERE purchases >= $purchases GROUP BY ALL
            )
            SELECT customer_id, arg_max(product_id, (purchases, product_id)) AS product_id
            FROM fitting ANTI JOIN bought USING (customer_id, product_id) GROUP BY customer_id ORDER BY customer_id
            """,
            params={"until": until, "days": trigger.within_days, "purchases": trigger.min_purchases},
        ).to_arrow_table()
    products = found["product_id"].combine_chunks()
    return target_rows(trigger.type, found["customer_id"], products, product_ids=one_each(products))


def one_each(products: pa.Array) -> pa.Array:
    """Return a list of one product per row."""
    return pa.ListArray.from_arrays(pa.array(range(len(products) + 1), pa.int32()), products)
