"""Compare the recent and the earlier shares of product categories."""

import pandas as pd

from core.duckdb_engine import quote_literal
from quality.frames.engine import frame, one_row
from quality.frames.landing.admitted import RECENT_DAYS, Admitted


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


def _category_column(admitted: Admitted) -> str:
    levels = ("category", "department", "product_type")
    counts = ", ".join(f"count(DISTINCT {level})" for level in levels)
    found = one_row(admitted.connection, f"SELECT {counts} FROM {admitted.table('products')}")
    return next((level for level, count in zip(levels, found, strict=True) if count > 1), levels[0])


def _catalogue(admitted: Admitted, level: str) -> set[str]:
    query = f"SELECT DISTINCT coalesce({level}, '(none)') FROM {admitted.table('products')}"
    return {str(row[0]) for row in admitted.connection.execute(query).fetchall()}
