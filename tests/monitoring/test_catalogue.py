"""Products in another category, and products missing in the deployed version, are counted by their sales."""

from datetime import date
from pathlib import Path

import pytest

from core.duckdb_engine import connect, quote_literal
from monitoring.catalogue import compared_with_catalogue
from monitoring.sales import Period

pytestmark = pytest.mark.unit

DAY = date(2026, 3, 1)


def test_shares_are_of_lines_and_the_largest_category_is_named(tmp_path: Path) -> None:
    with connect(tmp_path / "spill", "200MB") as connection:
        tables = {
            "products": "FROM (VALUES ('a', 'BEER'), ('b', 'MILK AND CREAM'), ('c', 'NEW')) AS t(product_id, category)",
            "catalogue": "FROM (VALUES ('a', 'BEER'), ('b', 'MILK')) AS t(product_id, category_name)",
        }
        for name, query in tables.items():
            connection.execute(f"COPY ({query}) TO {quote_literal(tmp_path / f'{name}.parquet')} (FORMAT parquet)")
        # Six lines of a, two of b, two of c; and an older one that no longer counts.
        connection.execute(
            f"""
            CREATE TABLE lines AS
            SELECT unnest(['a', 'a', 'a', 'a', 'a', 'a', 'b', 'b', 'c', 'c']) AS product_id, DATE '{DAY}' AS day
            UNION ALL SELECT 'b', DATE '{DAY}' - 28
            """
        )
        renamed, unknown = compared_with_catalogue(
            connection, tmp_path, tmp_path / "catalogue.parquet", Period(DAY, DAY)
        )
    assert (renamed.value, renamed.subject, renamed.compared) == (0.25, "category MILK AND CREAM", 8)
    assert (unknown.value, unknown.subject, unknown.compared) == (0.2, "product c", 10)
