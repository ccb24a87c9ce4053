"""Find customers with a date that comes round: a birthday, or the day of the first order."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from core.duckdb_engine import quote_identifier, quote_literal, read_parquet
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.targets.rows import target_rows
from marketing.campaigns.triggers.definitions import Anniversary


def anniversary(trigger: Anniversary, file: Path, day: date) -> pa.Table:
    """Return a target for every customer whose date comes round in `days_before` days, or did up to `within_days` ago.

    The 29th of February counts as the 28th in years without it. A date that has not happened yet has no anniversary.

    Args:
        trigger: the column and the days.
        file: a CSV or Parquet file with customer_id and the column.
        day: the shop's day of the plan.

    Returns:
        Rows of `TARGETS`, by customer_id. The occurrence is the anniversary's year, so each comes once.

    Raises:
        CampaignError: the file cannot be read, lacks a column, or holds a value that is not a date.
    """
    source = read_parquet(file) if file.suffix == ".parquet" else f"read_csv({quote_literal(file)}, all_varchar = true)"
    last = day + timedelta(days=trigger.days_before)
    first = last - timedelta(days=trigger.within_days)
    try:
        with duckdb.connect() as connection:
            # Adding years keeps the month, and takes the 29th of February to the 28th.
            found = connection.sql(
                f"""
                WITH dates AS (
                    SELECT customer_id::VARCHAR AS customer_id, min({quote_identifier(trigger.column)}::DATE) AS day
                    FROM {source} WHERE {quote_identifier(trigger.column)} IS NOT NULL GROUP BY ALL
                ),
                round AS (
                    SELECT customer_id, unnest([$first_year, $last_year]) AS year, day,
                           (day + to_years((year - year(day))::INTEGER))::DATE AS comes
                    FROM dates
                )
                SELECT DISTINCT customer_id, year::VARCHAR AS occurrence FROM round
                WHERE comes BETWEEN $first AND $last AND comes > day ORDER BY customer_id
                """,
                params={"first": first, "last": last, "first_year": first.year, "last_year": last.year},
            ).to_arrow_table()
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise CampaignError(
            f"{file} cannot be used for the trigger 'anniversary': {reason}. It needs customer_id and the column "
            f"'{trigger.column}' with dates such as 1980-05-17."
        ) from error
    occurrences = pa.array([f"{trigger.column}:{year}" for year in found["occurrence"].to_pylist()], pa.string())
    return target_rows(trigger.type, found["customer_id"], occurrences)
