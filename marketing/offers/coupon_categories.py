"""Name the category that most products of a coupon belong to."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from core.duckdb_engine import read_parquet


def coupon_categories(admitted: Path, coupon_ids: Sequence[str]) -> dict[str, str]:
    """Return the category of most products by coupon; a coupon without one is left out.

    Args:
        admitted: the folder of admitted tables; without its coupons or products no category is known.
        coupon_ids: the coupons.
    """
    coupons, products = admitted / "coupons.parquet", admitted / "products.parquet"
    if not coupons.exists() or not products.exists():
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""
            SELECT coupon_id, category
            FROM {read_parquet(coupons)} AS coupons JOIN {read_parquet(products)} AS products USING (product_id)
            WHERE list_contains(?, coupon_id) AND category IS NOT NULL
            GROUP BY coupon_id, category
            QUALIFY row_number() OVER (PARTITION BY coupon_id ORDER BY count(DISTINCT product_id) DESC, category) = 1
            """,
            [list(coupon_ids)],
        ).fetchall()
    return dict(rows)
