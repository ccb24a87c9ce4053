"""Compare each day of the shop's calendar with the days before."""

import pandas as pd

from core.duckdb_engine import quote_literal
from quality.frames.engine import frame
from quality.frames.landing.admitted import Admitted


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
