"""Summarise the whole landing in one row, and how its tables fit together."""

import pandas as pd

from core.duckdb_engine import quote_literal
from quality.frames.engine import frame
from quality.frames.landing.admitted import RECENT_DAYS, Admitted, example


def facts(admitted: Admitted, day: pd.DataFrame, category: pd.DataFrame, baskets_a_day: float) -> pd.DataFrame:
    """Return one row about the whole landing; shares lie between 0 and 1.

    Args:
        admitted: The admitted tables.
        day: The frame of `days`.
        category: The frame of `categories`.
        baskets_a_day: A customer with fewer baskets per selling day may be a person.
    """
    transactions, products, customers, promotions, coupons, values, redemptions = (
        admitted.table(name)
        for name in ("transactions", "products", "customers", "promotions", "coupons", "coupon_values", "redemptions")
    )
    selling_days = max(int((day["lines"] > 0).sum()), 1)
    recent_lines = f"transaction_at >= TIMESTAMP {quote_literal(admitted.instant)} - INTERVAL {RECENT_DAYS} DAYS"
    found = frame(
        admitted.connection,
        f"""
        WITH basket AS MATERIALIZED (
            SELECT customer_id, basket_id, {admitted.local_day} AS day FROM {transactions} GROUP BY ALL
        ),
        customer AS (
            SELECT customer_id, count(*) AS baskets FROM basket WHERE customer_id IS NOT NULL GROUP BY customer_id
        ),
        largest AS (
            SELECT max(baskets) / greatest((SELECT count(*) FROM basket), 1) AS share,
                   max(baskets) / {selling_days} AS baskets_a_day
            FROM customer
        ),
        unknown AS (
            SELECT line.product_id, count(*) AS lines, count(*) FILTER ({recent_lines}) AS recent_lines
            FROM {transactions} AS line ANTI JOIN {products} AS product USING (product_id) GROUP BY line.product_id
        ),
        span AS (
            SELECT avg((span > INTERVAL 12 HOURS)::INTEGER) AS reused, arg_max(basket_id, span) AS example FROM (
                SELECT basket_id, max(transaction_at) - min(transaction_at) AS span
                FROM {transactions} GROUP BY basket_id
            )
        )
        SELECT 'landing' AS subject,
               (SELECT count(product_id) - count(DISTINCT product_id) FROM {products}) AS repeated_products,
               (SELECT 'product ' || product_id FROM {products} GROUP BY product_id HAVING count(*) > 1 LIMIT 1)
                   AS repeated_product_example,
               (SELECT count(customer_id) - count(DISTINCT customer_id) FROM {customers}) AS repeated_customers,
               (SELECT coalesce(sum(lines), 0) FROM unknown) / greatest((SELECT count(*) FROM {transactions}), 1)
                   AS orphan_line_share,
               (SELECT coalesce(sum(recent_lines), 0) FROM unknown)
                   / greatest((SELECT count(*) FROM {transactions} WHERE {recent_lines}), 1)
                   AS recent_orphan_line_share,
               (SELECT 'product ' || arg_max(product_id, lines) || ' in ' || max(lines) || ' lines' FROM unknown)
                   AS orphan_line_example,
               (SELECT {_orphans("promotion", products)} FROM {promotions} AS promotion)
                   AS orphan_promotion_share,
               (SELECT 'product ' || min(promotion.product_id)
                FROM {promotions} AS promotion ANTI JOIN {products} AS product USING (product_id))
                   AS orphan_promotion_example,
               (SELECT count(*) FROM {promotions} WHERE ends_on < starts_on) AS promotions_ending_early,
               (SELECT {example("product_id, starts_on, ends_on")} FROM {promotions} WHERE ends_on < starts_on)
                   AS promotion_example,
               (SELECT count(*) FROM {redemptions} AS redemption ANTI JOIN {coupons} USING (coupon_id))
                   AS redemptions_without_coupon,
               (SELECT {example("redemption.coupon_id, redeemed_on")}
                FROM {redemptions} AS redemption ANTI JOIN {coupons} AS coupon USING (coupon_id)) AS redemption_example,
               (SELECT count(*) FROM (SELECT coupon_id, campaign_id FROM {values} GROUP BY ALL HAVING count(*) > 1))
                   AS repeated_coupon_values,
               (SELECT 'coupon ' || coupon_id FROM {values} GROUP BY coupon_id, campaign_id HAVING count(*) > 1
                ORDER BY coupon_id LIMIT 1) AS repeated_coupon_value_example,
               (SELECT count(*) FROM {values} WHERE NOT face_value > 0) AS coupons_without_face_value,
               (SELECT {example("coupon_id, face_value, margin")} FROM {values} WHERE NOT face_value > 0)
                   AS face_value_example,
               (SELECT count(*) FROM {values} AS worth ANTI JOIN {coupons} USING (coupon_id))
                   AS values_without_coupon,
               (SELECT {example("worth.coupon_id, face_value")}
                FROM {values} AS worth ANTI JOIN {coupons} AS coupon USING (coupon_id)) AS value_example,
               (SELECT reused FROM span) AS reused_basket_share,
               (SELECT 'basket ' || example FROM span) AS reused_basket_example,
               (SELECT CASE WHEN baskets_a_day >= {baskets_a_day} THEN share ELSE 0 END FROM largest)
                   AS largest_customer_share,
               (SELECT 'one customer with ' || round(baskets_a_day, 1) || ' baskets a selling day' FROM largest)
                   AS largest_customer_example,
               (SELECT date_diff('hour', max(transaction_at), TIMESTAMP {quote_literal(admitted.instant)}) / 24.0
                FROM {transactions}) AS days_since_newest_line""",
    ).fillna({"largest_customer_share": 0.0, "reused_basket_share": 0.0})
    recent = day.tail(RECENT_DAYS)
    found["missing_recent_days"] = int((recent["missing_lines"] > 0).sum())
    compared = category[category["chance"].notna()]
    moved = (compared["share_recent"] - compared["share_before"]).abs().sum() - compared["chance"].sum()
    found["category_shift"] = max(float(moved) / 2, 0.0)
    return found


def _orphans(alias: str, products: str) -> str:
    known = f"SELECT product_id FROM {products}"
    return f"coalesce(avg(CAST({alias}.product_id NOT IN ({known}) AS INTEGER)), 0)"
