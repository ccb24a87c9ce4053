"""Find customers who put something into the cart and bought nothing since."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from core.duckdb_engine import read_parquet
from core.event_types import event_types
from marketing.campaigns.targets.rows import target_rows
from marketing.campaigns.triggers.definitions import CartLeft


def cart_left(trigger: CartLeft, events: Path, as_of: datetime) -> pa.Table:
    """Return a target for every customer whose newest cart is old enough, and neither bought nor emptied.

    Args:
        trigger: the hours.
        events: the landed events, with customer_id, product_id, event_type and occurred_at.
        as_of: the instant of the plan (naive UTC); later events are not read.

    Returns:
        Rows of `TARGETS`, by customer_id, with the products of the cart, the newest first. The occurrence is the
        instant of the newest cart event, so another product opens a new one.
    """
    oldest, newest = (as_of - timedelta(hours=hours) for hours in (trigger.within_hours, trigger.after_hours))
    cart_types = {
        way: [name for name, declared in event_types().types.items() if declared.cart == way]
        for way in ("adds", "removes")
    }
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(
            f"""
            WITH known AS (
                SELECT customer_id, product_id, lower(trim(event_type)) AS event_type, occurred_at
                FROM {read_parquet(events)}
                WHERE occurred_at >= $oldest AND occurred_at <= $as_of AND customer_id IS NOT NULL
            ),
            bought AS (
                SELECT customer_id, max(occurred_at) AS instant FROM known WHERE event_type = 'purchase' GROUP BY ALL
            ),
            cart AS (
                SELECT customer_id, product_id, max(occurred_at) FILTER (list_contains($adds, event_type)) AS instant
                FROM known LEFT JOIN bought USING (customer_id)
                WHERE bought.instant IS NULL OR occurred_at > bought.instant
                GROUP BY ALL
                HAVING instant > coalesce(
                    max(occurred_at) FILTER (list_contains($removes, event_type)), TIMESTAMP '1900-01-01'
                )
            )
            SELECT customer_id, strftime(max(instant), '%Y-%m-%dT%H:%M:%S') AS occurrence,
                   list(product_id ORDER BY instant DESC, product_id) AS product_ids
            FROM cart GROUP BY customer_id HAVING max(instant) <= $newest ORDER BY customer_id
            """,
            params={"oldest": oldest, "newest": newest, "as_of": as_of} | cart_types,
        ).to_arrow_table()
    return target_rows(trigger.type, found["customer_id"], found["occurrence"], product_ids=found["product_ids"])
