"""Summarise all transaction lines in one row."""

import pandas as pd

from core.duckdb_engine import quote_literal
from quality.frames.engine import frame
from quality.frames.landing.admitted import Admitted, example


def lines(admitted: Admitted) -> pd.DataFrame:
    """Return one row about all transaction lines: `subject`, counts, shares between 0 and 1, and examples.

    Columns:
        late_lines: Lines at or after as_of.
        negative_prices, negative_price_share: Money and quantity of different signs; a return has both below zero.
        negative_discount_share: Of the lines with a discount: money added, not taken off; a return gives it back.
        large_quantity_share: More than 1,000 units.
        anonymous_share: Without a customer.
    """
    wrong_price = "quantity <> 0 AND sales_value / quantity < 0 OR quantity = 0 AND sales_value < 0"
    wrong_discount = "discount * sign(quantity) < 0"
    return frame(
        admitted.connection,
        f"""
        WITH line AS (
            SELECT *, CASE WHEN quantity < 0
                THEN greatest(retail_discount, coupon_discount, coupon_match_discount)
                ELSE least(retail_discount, coupon_discount, coupon_match_discount) END AS discount
            FROM {admitted.table("transactions")}
        )
        SELECT 'transactions' AS subject, count(*) AS lines,
               count(*) FILTER (transaction_at >= TIMESTAMP {quote_literal(admitted.instant)}) AS late_lines,
               {example("product_id, transaction_at")}
                   FILTER (transaction_at >= TIMESTAMP {quote_literal(admitted.instant)}) AS late_example,
               count(*) FILTER ({wrong_price}) AS negative_prices,
               count(*) FILTER ({wrong_price}) / greatest(count(*), 1) AS negative_price_share,
               {example("product_id, transaction_at, quantity, sales_value")} FILTER ({wrong_price}) AS price_example,
               coalesce(count(*) FILTER ({wrong_discount}) / nullif(count(*) FILTER (discount <> 0), 0), 0)
                   AS negative_discount_share,
               {example("product_id, transaction_at, quantity, retail_discount, coupon_discount")}
                   FILTER ({wrong_discount}) AS discount_example,
               count(*) FILTER (abs(quantity) > 1000) / greatest(count(*), 1) AS large_quantity_share,
               {example("product_id, transaction_at, quantity")} FILTER (abs(quantity) > 1000) AS quantity_example,
               1 - count(customer_id) / greatest(count(*), 1) AS anonymous_share
        FROM line""",
    )
