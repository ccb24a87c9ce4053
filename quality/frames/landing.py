"""Summarise the admitted tables in small frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd

from core.duckdb_engine import quote_literal, read_parquet
from quality.frames.engine import frame, one_row

RECENT_DAYS = 28

REQUIRED = {
    "transactions": ("basket_id", "product_id", "quantity", "sales_value", "transaction_at"),
    "products": ("product_id",),
    "customers": ("customer_id",),
    "promotions": ("product_id", "starts_on", "ends_on"),
    "campaigns": ("campaign_id", "customer_id", "starts_on", "ends_on"),
    "coupons": ("coupon_id", "product_id", "campaign_id"),
    "coupon_values": ("coupon_id", "face_value", "margin"),
    "redemptions": ("customer_id", "coupon_id", "redeemed_on"),
    "events": ("event_id", "customer_id", "product_id", "event_type", "occurred_at"),
}
"""Columns of the landing contract in which no value may be missing; a transaction line may have no customer."""

_PERSONAL = "customer_id"


@dataclass(frozen=True)
class Admitted:
    """The admitted tables of one day, which starts at `instant` (naive UTC) in the shop's `timezone`."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    as_of: date
    instant: datetime
    timezone: str

    def table(self, name: str) -> str:
        """Return a FROM expression for an admitted table."""
        return read_parquet(self.folder / f"{name}.parquet")

    @property
    def local_time(self) -> str:
        """SQL expression: the time of a transaction in the shop's time zone."""
        return f"(transaction_at AT TIME ZONE 'UTC' AT TIME ZONE {quote_literal(self.timezone)})"

    @property
    def local_day(self) -> str:
        """SQL expression: the shop's calendar day of a transaction."""
        return f"CAST({self.local_time} AS DATE)"


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
               {_example("product_id, transaction_at")}
                   FILTER (transaction_at >= TIMESTAMP {quote_literal(admitted.instant)}) AS late_example,
               count(*) FILTER ({wrong_price}) AS negative_prices,
               count(*) FILTER ({wrong_price}) / greatest(count(*), 1) AS negative_price_share,
               {_example("product_id, transaction_at, quantity, sales_value")} FILTER ({wrong_price}) AS price_example,
               coalesce(count(*) FILTER ({wrong_discount}) / nullif(count(*) FILTER (discount <> 0), 0), 0)
                   AS negative_discount_share,
               {_example("product_id, transaction_at, quantity, retail_discount, coupon_discount")}
                   FILTER ({wrong_discount}) AS discount_example,
               count(*) FILTER (abs(quantity) > 1000) / greatest(count(*), 1) AS large_quantity_share,
               {_example("product_id, transaction_at, quantity")} FILTER (abs(quantity) > 1000) AS quantity_example,
               1 - count({_PERSONAL}) / greatest(count(*), 1) AS anonymous_share
        FROM line""",
    )


def days(admitted: Admitted, deviations: float, least_usual: int, least_telling: int) -> pd.DataFrame:
    """Return one row per day of the shop's calendar, from the first line to the day before as_of.

    Columns:
        subject: The day.
        lines: Its number of lines.
        usual_lines: The median of the same weekday in the eight weeks before, times the shop's growth; NaN if that is
            too small to compare with.
        volume_ratio: lines / usual_lines; 1 if the difference is within the shop's own day-to-day variation.
        missing_lines: The usual lines of a day that has none, else 0.
        duplicate_share: Lines that equal another in every column, above the shop's usual share and variation.
        copies: The number of times that every line occurs.
        repeated_share: Distinctive lines of the day that also occur on one earlier day at the same time of day. A line
            is distinctive if equal lines occur on at most five days.

    Args:
        admitted: The admitted tables.
        deviations: A difference up to this many of the shop's own robust deviations is usual.
        least_usual: A weekday with fewer lines is not compared.
        least_telling: A day with fewer different lines is not counted as a copy.
    """
    return frame(
        admitted.connection,
        f"""
        WITH line AS MATERIALIZED (
            SELECT {admitted.local_day} AS day, hash(line) AS content,
                   hash(customer_id, product_id, store_id, quantity, sales_value, CAST({admitted.local_time} AS TIME))
                       AS timeless
            FROM {admitted.table("transactions")} AS line
        ),
        counted AS (
            SELECT day, sum(copies) AS lines, count(*) AS distinct_lines, bool_and(copies % 2 = 0) AS by_2,
                   bool_and(copies % 3 = 0) AS by_3, bool_and(copies % 5 = 0) AS by_5
            FROM (SELECT day, count(*) AS copies FROM line GROUP BY day, content) GROUP BY day
        ),
        seen AS MATERIALIZED (SELECT DISTINCT timeless, day FROM line),
        telling AS MATERIALIZED (
            SELECT timeless, day FROM seen
            SEMI JOIN (SELECT timeless FROM seen GROUP BY timeless HAVING count(*) <= 5) USING (timeless)
        ),
        shared AS (
            SELECT day, max(lines) AS lines FROM (
                SELECT later.day AS day, earlier.day AS before, count(*) AS lines
                FROM telling AS later JOIN telling AS earlier
                    ON later.timeless = earlier.timeless AND later.day > earlier.day
                GROUP BY ALL
            ) GROUP BY day
        ),
        comparable AS (
            SELECT day, coalesce(shared.lines, 0) / own.lines AS repeated_share
            FROM (SELECT day, count(*) AS lines FROM telling GROUP BY day) AS own
            LEFT JOIN shared USING (day)
            WHERE own.lines >= {least_telling}
        ),
        calendar AS (
            SELECT CAST(unnest(range((SELECT min(day) FROM line)::TIMESTAMP, TIMESTAMP {quote_literal(admitted.as_of)},
                INTERVAL 1 DAY)) AS DATE) AS day
        ),
        filled AS (
            SELECT day, coalesce(counted.lines, 0) AS lines, coalesce(repeated_share, 0) AS repeated_share,
                   1 - distinct_lines / counted.lines AS duplicates,
                   CASE WHEN distinct_lines < {least_telling} THEN 1 WHEN by_2 THEN 2 WHEN by_3 THEN 3 WHEN by_5 THEN 5
                        ELSE 1 END AS copies
            FROM calendar LEFT JOIN counted USING (day) LEFT JOIN comparable USING (day)
        ),
        compared AS (
            SELECT *, CASE WHEN lines >= {least_usual} THEN duplicates - median(duplicates) OVER () END AS surplus,
                   CASE WHEN count(*) OVER same_weekday >= 3 AND median(lines) OVER same_weekday >= {least_usual}
                        THEN median(lines) OVER same_weekday END AS weekday_lines
            FROM filled WINDOW same_weekday AS
                (PARTITION BY isodow(day) ORDER BY day ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING)
        ),
        grown AS (
            SELECT *, CASE WHEN lines > 0 THEN ln(lines / weekday_lines) END AS log_ratio FROM compared
        ),
        centred AS (
            SELECT *, weekday_lines * exp(coalesce(median(log_ratio) OVER (), 0)) AS usual_lines,
                   log_ratio - median(log_ratio) OVER () AS deviation
            FROM grown
        ),
        scaled AS (
            -- 1.4826 times the median absolute deviation is the standard deviation of a normal distribution; a count
            -- varies by its root at least
            SELECT *, greatest(1.4826 * median(abs(deviation)) OVER (), 1 / sqrt(usual_lines)) AS usual_deviation,
                   -- and a share by its binomial error, twice, because repeated lines come in groups
                   greatest(1.4826 * median(abs(surplus)) OVER (),
                            2 * sqrt(least(avg(duplicates) OVER () + 1 / lines, 0.5) / lines)) AS usual_surplus
            FROM centred
        )
        SELECT strftime(day, '%Y-%m-%d') AS subject, CAST(lines AS BIGINT) AS lines,
               CASE WHEN surplus > {deviations} * usual_surplus THEN surplus ELSE 0 END AS duplicate_share,
               copies, repeated_share, usual_lines,
               CASE WHEN abs(deviation) > {deviations} * usual_deviation THEN lines / usual_lines
                    WHEN deviation IS NOT NULL THEN 1 END AS volume_ratio,
               CASE WHEN lines = 0 THEN coalesce(round(usual_lines), 0) ELSE 0 END AS missing_lines
        FROM scaled ORDER BY day""",
    )


def categories(admitted: Admitted, last_run: set[str], deviations: float, least_lines: int) -> pd.DataFrame:
    """Return one row per product category (else department, else type): its share of recent and of earlier lines.

    Recent are the last four weeks, earlier the twelve weeks before.

    `subject`; `share_before`, `share_recent`; `share_ratio` recent / before (at most 1000), 1 where the difference is
    within `deviations` standard errors, NaN if the category never had half a percent of the lines or one of the periods
    has fewer than `least_lines`; `chance`: the difference of shares to expect without any change; `in_catalogue`,
    false for a category of `last_run` that is gone. The error of a share is that between days: lines of a day
    belong together.
    """
    level = _category_column(admitted)
    days_before, instant = 3 * RECENT_DAYS, f"TIMESTAMP {quote_literal(admitted.instant)}"
    found = frame(
        admitted.connection,
        f"""
        WITH line AS (
            SELECT coalesce(product.{level}, '(none)') AS category, {admitted.local_day} AS day,
                   line.transaction_at >= {instant} - INTERVAL {RECENT_DAYS} DAYS AS recent
            FROM {admitted.table("transactions")} AS line
            JOIN {admitted.table("products")} AS product USING (product_id)
            WHERE line.transaction_at >= {instant} - INTERVAL {RECENT_DAYS + days_before} DAYS
        ),
        daily AS MATERIALIZED (SELECT category, recent, day, count(*) AS lines FROM line GROUP BY ALL),
        total AS (SELECT recent, day, sum(lines) AS all_lines FROM daily GROUP BY ALL),
        period AS (
            SELECT recent, sum(all_lines) AS period_lines, sum(all_lines * all_lines) AS squares
            FROM total GROUP BY recent
        ),
        summed AS (
            SELECT category, recent, sum(lines) AS lines, sum(lines * lines) AS own_squares,
                   sum(lines * all_lines) AS products
            FROM daily JOIN total USING (recent, day) GROUP BY ALL
        ),
        pooled AS (
            SELECT category, sum(lines) / (SELECT sum(period_lines) FROM period) AS share FROM summed GROUP BY category
        ),
        estimated AS (
            -- the variance of a ratio of sums over days, at least that of independent lines
            SELECT pooled.category, recent, pooled.share AS pooled_share, coalesce(lines, 0) / period_lines AS share,
                   greatest(
                       (coalesce(own_squares, 0) - 2 * pooled.share * coalesce(products, 0)
                           + pooled.share * pooled.share * squares) / (period_lines * period_lines),
                       pooled.share * (1 - pooled.share) / period_lines
                   ) AS variance,
                   period_lines
            FROM pooled CROSS JOIN period LEFT JOIN summed USING (category, recent)
        ),
        compared AS (
            SELECT category, coalesce(max(share) FILTER (NOT recent), 0) AS share_before,
                   coalesce(max(share) FILTER (recent), 0) AS share_recent,
                   sum(variance) AS variance, max(pooled_share) AS pooled_share,
                   count(*) = 2 AND min(period_lines) >= {least_lines} AS is_comparable
            FROM estimated GROUP BY category
        )
        SELECT CAST(category AS VARCHAR) AS subject, share_before, share_recent,
               CASE WHEN NOT is_comparable OR greatest(share_before, share_recent) < 0.005 THEN NULL
                    WHEN abs(share_recent - share_before) <= {deviations} * sqrt(variance) THEN 1
                    ELSE least(share_recent / greatest(share_before, 1e-9), 1000) END AS share_ratio,
               -- the mean size of a normal error; no error is larger than both shares
               CASE WHEN is_comparable THEN least(sqrt(2 * variance / pi()), 2 * pooled_share) END AS chance,
               true AS in_catalogue
        FROM compared ORDER BY share_recent DESC, subject""",
    )
    gone = sorted(last_run - _catalogue(admitted, level))
    lost = pd.DataFrame({"subject": gone, "in_catalogue": False})
    return pd.concat([found, lost], ignore_index=True) if gone else found


def selling_categories(found: pd.DataFrame) -> set[str]:
    """Return the categories with at least a thousandth of the recent lines, which the next run compares with."""
    return set(found.loc[found["share_recent"] >= 0.001, "subject"].astype(str))


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
    return pd.DataFrame(rows, columns=["subject", "missing", "example"])


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
               (SELECT {_example("product_id, starts_on, ends_on")} FROM {promotions} WHERE ends_on < starts_on)
                   AS promotion_example,
               (SELECT count(*) FROM {redemptions} AS redemption ANTI JOIN {coupons} USING (coupon_id))
                   AS redemptions_without_coupon,
               (SELECT {_example("redemption.coupon_id, redeemed_on")}
                FROM {redemptions} AS redemption ANTI JOIN {coupons} AS coupon USING (coupon_id)) AS redemption_example,
               (SELECT count(*) FROM (SELECT coupon_id, campaign_id FROM {values} GROUP BY ALL HAVING count(*) > 1))
                   AS repeated_coupon_values,
               (SELECT 'coupon ' || coupon_id FROM {values} GROUP BY coupon_id, campaign_id HAVING count(*) > 1
                ORDER BY coupon_id LIMIT 1) AS repeated_coupon_value_example,
               (SELECT count(*) FROM {values} WHERE NOT face_value > 0) AS coupons_without_face_value,
               (SELECT {_example("coupon_id, face_value, margin")} FROM {values} WHERE NOT face_value > 0)
                   AS face_value_example,
               (SELECT count(*) FROM {values} AS worth ANTI JOIN {coupons} USING (coupon_id))
                   AS values_without_coupon,
               (SELECT {_example("worth.coupon_id, face_value")}
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


def _example(columns: str) -> str:
    """Return an aggregate that describes one of the rows, such as `product_id 17, quantity -2`."""
    parts = ", ".join(
        f"{quote_literal(name.partition('.')[2] or name)} || ' ' || {name}" for name in columns.split(", ")
    )
    return f"any_value(concat_ws(', ', {parts}))"


def _row_without(admitted: Admitted, table: str, columns: Sequence[str], missing: str) -> str | None:
    """Describe a row that lacks one required column by its other required columns, without the customer."""
    others = [column for column in columns if column not in {missing, _PERSONAL}]
    if not others:
        return None
    query = f"SELECT {_example(', '.join(others))} FROM {admitted.table(table)} WHERE {missing} IS NULL"
    found = one_row(admitted.connection, query)[0]
    return f"the row of {found}" if found else None


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
