"""Count missing values of required columns."""

from collections.abc import Sequence

import pandas as pd

from quality.frames.engine import one_row
from quality.frames.feedback import NEEDS_PRODUCT
from quality.frames.landing.admitted import Admitted, example

REQUIRED = {
    "transactions": ("basket_id", "product_id", "quantity", "sales_value", "transaction_at"),
    "products": ("product_id",),
    "customers": ("customer_id",),
    "promotions": ("product_id", "starts_on", "ends_on"),
    "campaigns": ("campaign_id", "customer_id", "starts_on", "ends_on"),
    "coupons": ("coupon_id", "product_id", "campaign_id"),
    "coupon_values": ("coupon_id", "face_value", "margin"),
    "redemptions": ("customer_id", "coupon_id", "redeemed_on"),
    "consents": ("customer_id", "channel", "purpose", "granted", "since"),
    "contacts": ("customer_id", "channel"),
    "bounces": ("channel", "kind", "bounced_at"),
    "events": ("event_id", "customer_id", "event_type", "occurred_at"),
}
"""Columns of the landing contract in which no value may be missing; a transaction line may have no customer."""

_PERSONAL = "customer_id"


def required(admitted: Admitted) -> pd.DataFrame:
    """Return one row per required column: `subject` table.column, `missing` values, and the `example` of such a row."""
    rows: list[tuple[str, int, str | None]] = []
    for table, columns in REQUIRED.items():
        counts = ", ".join(f"count(*) - count({column})" for column in columns)
        found = one_row(admitted.connection, f"SELECT {counts} FROM {admitted.table(table)}")
        rows += [
            (f"{table}.{column}", count, _row_without(admitted, table, columns, column) if count else None)
            for column, count in zip(columns, found, strict=True)
        ]
    query = f"SELECT count(*) FROM {admitted.table('events')} WHERE product_id IS NULL AND {NEEDS_PRODUCT}"
    rows.append(("events.product_id", one_row(admitted.connection, query)[0], None))
    return pd.DataFrame(rows, columns=["subject", "missing", "example"])


def _row_without(admitted: Admitted, table: str, columns: Sequence[str], missing: str) -> str | None:
    """Describe a row that lacks one required column by its other required columns, without the customer."""
    others = [column for column in columns if column not in {missing, _PERSONAL}]
    if not others:
        return None
    query = f"SELECT {example(', '.join(others))} FROM {admitted.table(table)} WHERE {missing} IS NULL"
    found = one_row(admitted.connection, query)[0]
    return f"the row of {found}" if found else None
