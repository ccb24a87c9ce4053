"""Compare the products that sell, and their categories, with the catalogue of the deployed version."""

from pathlib import Path

import duckdb

from core.duckdb_engine import read_parquet
from monitoring.figures import RENAMED_CATEGORY, UNKNOWN_PRODUCTS, Figure
from monitoring.sales import Period

RENAMED_DAYS, UNKNOWN_DAYS = 28, 7


def compared_with_catalogue(
    connection: duckdb.DuckDBPyConnection, admitted: Path, catalogue: Path, period: Period
) -> list[Figure]:
    """Return the shares of lines with renamed categories and with unknown products, as of the last day.

    Args:
        connection: holds the view `lines` (`monitoring.sales.read_lines`).
        admitted: the folder of admitted tables.
        catalogue: the products of the deployed version: product_id, category_name.
        period: only its last day is measured, because the products table has no history.
    """
    products, known = read_parquet(admitted / "products.parquet"), read_parquet(catalogue)
    [(renamed, of_renamed, lines)] = connection.execute(
        f"""
        WITH changed AS (
            SELECT
                products.category,
                count(*) FILTER (products.category IS DISTINCT FROM known.category_name) AS renamed,
                count(*) AS lines
            FROM lines JOIN {products} AS products USING (product_id) JOIN {known} AS known USING (product_id)
            WHERE day > CAST(? AS DATE) - {RENAMED_DAYS}
            GROUP BY ALL
        )
        SELECT coalesce(sum(renamed) / sum(lines), 0), arg_max(category, renamed), coalesce(sum(lines), 0) FROM changed
        """,
        [period.last],
    ).fetchall()
    [(unknown, of_unknown, all_lines)] = connection.execute(
        f"""
        WITH found AS (
            SELECT product_id, count(*) AS lines, count(*) FILTER (known.product_id IS NULL) AS unknown
            FROM lines LEFT JOIN {known} AS known USING (product_id)
            WHERE day > CAST(? AS DATE) - {UNKNOWN_DAYS}
            GROUP BY ALL
        )
        SELECT coalesce(sum(unknown) / sum(lines), 0), arg_max(product_id, unknown), coalesce(sum(lines), 0) FROM found
        """,
        [period.last],
    ).fetchall()
    return [
        Figure(
            RENAMED_CATEGORY.name,
            period.last,
            float(renamed),
            f"category {of_renamed}" if renamed else None,
            int(lines),
        ),
        Figure(
            UNKNOWN_PRODUCTS.name,
            period.last,
            float(unknown),
            f"product {of_unknown}" if unknown else None,
            int(all_lines),
        ),
    ]
