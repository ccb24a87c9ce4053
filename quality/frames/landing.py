"""What the admitted tables look like, in frames small enough to judge."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd

from quality.frames.engine import frame, one_row, parquet, text

RECENT_DAYS = 28
NEWEST_LINES = 2_000_000
LEAST_USUAL_LINES = 20
"""A day is compared with its weekday's usual volume only where that is at least so many lines."""

REQUIRED = {
    "transactions": ("customer_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_at"),
    "products": ("product_id",),
    "customers": ("customer_id",),
    "promotions": ("product_id", "starts_on", "ends_on"),
    "campaigns": ("campaign_id", "customer_id", "starts_on", "ends_on"),
    "coupons": ("coupon_id", "product_id", "campaign_id"),
    "redemptions": ("customer_id", "coupon_id", "redeemed_on"),
    "events": ("event_id", "customer_id", "product_id", "event_type", "occurred_at"),
}
"""The columns of the landing contract in which no value may be missing."""


@dataclass(frozen=True)
class Admitted:
    """The admitted tables of one day. `instant`: when it starts, naive UTC; `timezone`: the shop's."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    as_of: date
    instant: datetime
    timezone: str

    def table(self, name: str) -> str:
        return parquet(self.folder / f"{name}.parquet")

    @property
    def local_day(self) -> str:
        return f"CAST(transaction_at AT TIME ZONE 'UTC' AT TIME ZONE {text(self.timezone)} AS DATE)"


def lines(admitted: Admitted, day: pd.DataFrame) -> pd.DataFrame:
    """The lines of the newest days, about NEWEST_LINES in all; earlier runs judged the older ones.

    `age_days` from the line to as_of. `unit_price` is negative if money and quantity have different signs: a
    return has both below zero.
    """
    older = day["lines"][::-1].cumsum()[::-1] > NEWEST_LINES
    first = day["subject"][~older].min() if not older.all() else day["subject"].iloc[-1]
    return frame(
        admitted.connection,
        f"""
        SELECT customer_id, basket_id, product_id, quantity,
               epoch(TIMESTAMP {text(admitted.instant)} - transaction_at) / 86400 AS age_days,
               CASE WHEN quantity = 0 THEN sales_value ELSE sales_value / quantity END AS unit_price,
               least(retail_discount, coupon_discount, coupon_match_discount) AS smallest_discount
        FROM {admitted.table("transactions")}
        WHERE transaction_at IS NULL OR {admitted.local_day} >= DATE {text(first)}""",
    )


def days(admitted: Admitted) -> pd.DataFrame:
    """One row a day of the shop's calendar from the first line to the day before as_of.

    `subject` the day; `lines`; `usual_lines` the median of the same weekday in the eight weeks before, NaN
    where that is too little to compare with; `volume_ratio` lines / usual_lines, NaN without either;
    `missing_lines` the usual ones of a day without any, else 0; `duplicate_share` of lines that equal
    another in every column; `reused_basket_share` of baskets that were already there half a day earlier.
    """
    return frame(
        admitted.connection,
        f"""
        WITH line AS (
            SELECT line.transaction_at, line.basket_id, {admitted.local_day} AS day, hash(line) AS content
            FROM {admitted.table("transactions")} AS line
        ),
        counted AS (
            SELECT day, count(*) AS lines, count(DISTINCT content) AS distinct_lines FROM line GROUP BY day
        ),
        basket AS (
            SELECT day, min(transaction_at) - min(min(transaction_at)) OVER (PARTITION BY basket_id)
                > INTERVAL 12 HOURS AS reused
            FROM line GROUP BY basket_id, day
        ),
        reused AS (SELECT day, avg(reused::INTEGER) AS reused_basket_share FROM basket GROUP BY day),
        calendar AS (
            SELECT CAST(unnest(range((SELECT min(day) FROM line)::TIMESTAMP, TIMESTAMP {text(admitted.as_of)},
                INTERVAL 1 DAY)) AS DATE) AS day
        ),
        filled AS (
            SELECT day, coalesce(lines, 0) AS lines,
                   coalesce(1 - distinct_lines / lines, 0) AS duplicate_share,
                   coalesce(reused_basket_share, 0) AS reused_basket_share
            FROM calendar LEFT JOIN counted USING (day) LEFT JOIN reused USING (day)
        ),
        compared AS (
            SELECT *, CASE WHEN count(*) OVER same_weekday >= 3
                            AND median(lines) OVER same_weekday >= {LEAST_USUAL_LINES}
                           THEN median(lines) OVER same_weekday END AS usual_lines
            FROM filled WINDOW same_weekday AS
                (PARTITION BY isodow(day) ORDER BY day ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING)
        )
        SELECT strftime(day, '%Y-%m-%d') AS subject, lines, duplicate_share, reused_basket_share, usual_lines,
               CASE WHEN lines > 0 THEN lines / usual_lines END AS volume_ratio,
               CASE WHEN lines = 0 THEN coalesce(usual_lines, 0) ELSE 0 END AS missing_lines
        FROM compared ORDER BY day""",
    )


def categories(admitted: Admitted, last_run: set[str]) -> pd.DataFrame:
    """One row a product category (else department, else type): its share of lines in the last four weeks and in
    the twelve weeks before.

    `subject`; `share_before`, `share_recent`; `share_ratio` recent / before (at most 1000), NaN if the category
    never had half a percent of the lines or nothing was sold before; `in_catalogue`, false for a category of
    `last_run` that is gone.
    """
    level = _category_column(admitted)
    found = frame(
        admitted.connection,
        f"""
        WITH line AS (
            SELECT coalesce(product.{level}, '(none)') AS category,
                   line.transaction_at >= TIMESTAMP {text(admitted.instant)} - INTERVAL {RECENT_DAYS} DAYS AS recent
            FROM {admitted.table("transactions")} AS line
            JOIN {admitted.table("products")} AS product USING (product_id)
            WHERE line.transaction_at >= TIMESTAMP {text(admitted.instant)} - INTERVAL {4 * RECENT_DAYS} DAYS
        ),
        share AS (
            SELECT category, count(*) FILTER (recent) / greatest(sum(count(*) FILTER (recent)) OVER (), 1)
                       AS share_recent,
                   count(*) FILTER (NOT recent) / greatest(sum(count(*) FILTER (NOT recent)) OVER (), 1)
                       AS share_before
            FROM line GROUP BY category
        )
        SELECT CAST(category AS VARCHAR) AS subject, share_before, share_recent,
               CASE WHEN greatest(share_before, share_recent) >= 0.005 AND sum(share_before) OVER () > 0
                    THEN least(share_recent / greatest(share_before, 1e-9), 1000) END AS share_ratio,
               true AS in_catalogue
        FROM share ORDER BY share_recent DESC, subject""",
    )
    gone = sorted(last_run - _catalogue(admitted, level))
    lost = pd.DataFrame({"subject": gone, "in_catalogue": False})
    return pd.concat([found, lost], ignore_index=True) if gone else found


def selling_categories(found: pd.DataFrame) -> set[str]:
    """The categories that carry at least a thousandth of the recent lines: what the next run looks for."""
    return set(found.loc[found["share_recent"] >= 0.001, "subject"].astype(str))


def required(admitted: Admitted) -> pd.DataFrame:
    """One row a required column: `subject` table.column, `missing` values."""
    rows = []
    for table, columns in REQUIRED.items():
        counts = ", ".join(f"count(*) - count({column})" for column in columns)
        found = one_row(admitted.connection, f"SELECT {counts} FROM {admitted.table(table)}")
        rows += [(f"{table}.{column}", count) for column, count in zip(columns, found, strict=True)]
    return pd.DataFrame(rows, columns=["subject", "missing"])


def facts(admitted: Admitted, day: pd.DataFrame, category: pd.DataFrame) -> pd.DataFrame:
    """One row about the whole landing; shares lie between 0 and 1."""
    transactions, products, customers, promotions, coupons, redemptions = (
        admitted.table(name)
        for name in ("transactions", "products", "customers", "promotions", "coupons", "redemptions")
    )
    found = frame(
        admitted.connection,
        f"""
        SELECT 'landing' AS subject,
               (SELECT count(product_id) - count(DISTINCT product_id) FROM {products}) AS repeated_products,
               (SELECT count(customer_id) - count(DISTINCT customer_id) FROM {customers}) AS repeated_customers,
               (SELECT {_orphans("line", products)} FROM {transactions} AS line) AS orphan_line_share,
               (SELECT {_orphans("promotion", products)} FROM {promotions} AS promotion)
                   AS orphan_promotion_share,
               (SELECT count(*) FROM {promotions} WHERE ends_on < starts_on) AS promotions_ending_early,
               (SELECT count(*) FROM {redemptions} AS redemption ANTI JOIN {coupons} USING (coupon_id))
                   AS redemptions_without_coupon,
               (SELECT date_diff('hour', max(transaction_at), TIMESTAMP {text(admitted.instant)}) / 24.0
                FROM {transactions}) AS days_since_newest_line""",
    )
    recent = day.tail(RECENT_DAYS)
    found["missing_recent_days"] = int((recent["missing_lines"] > 0).sum())
    shares = category[category["share_before"].notna()]
    moved = (shares["share_recent"] - shares["share_before"]).abs().sum() / 2
    # a landing of less than five weeks has nothing to compare with
    found["category_shift"] = float(moved) if shares["share_before"].sum() > 0 else 0.0
    return found


def _orphans(alias: str, products: str) -> str:
    known = f"SELECT product_id FROM {products}"
    return f"coalesce(avg(CAST({alias}.product_id NOT IN ({known}) AS INTEGER)), 0)"


def _category_column(admitted: Admitted) -> str:
    levels = ("category", "department", "product_type")
    counts = ", ".join(f"count(DISTINCT {level})" for level in levels)
    found = one_row(admitted.connection, f"SELECT {counts} FROM {admitted.table('products')}")
    return next((level for level, count in zip(levels, found, strict=True) if count > 1), levels[0])


def _catalogue(admitted: Admitted, level: str) -> set[str]:
    query = f"SELECT DISTINCT coalesce({level}, '(none)') FROM {admitted.table('products')}"
    return {str(row[0]) for row in admitted.connection.execute(query).fetchall()}
