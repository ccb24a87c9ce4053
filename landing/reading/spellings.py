"""Find ids with several spellings, such as 7 and 007: they count as different, so a person should check them."""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, quote_literal, read_parquet
from landing.contract import Table
from landing.findings import Findings

_COMPARED = ("customer_id", "product_id", "store_id", "campaign_id", "coupon_id")
"""Ids that join tables. A receipt's number is not among them, because only one table has it."""
_PERSONAL = ("customer_id",)

_FOLDED = (
    "CASE WHEN regexp_full_match(id, '[0-9]+') THEN coalesce(nullif(ltrim(id, '0'), ''), '0') "
    "ELSE lower(regexp_replace(id, '[\\s\\x{a0}]+', ' ', 'g')) END"
)
"""The common form of spellings that differ only in leading zeros, case or the kind of blanks inside."""


def count_spellings(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Iterable[Table], findings: Findings
) -> None:
    """Add to `findings` how many ids of the admitted tables have several spellings."""
    tables = list(tables)
    for kind in _COMPARED:
        holders = [table.name for table in tables if any(column.name == kind for column in table.columns)]
        ids = " UNION ALL ".join(
            f"SELECT DISTINCT {quote_identifier(kind)} AS id, {quote_literal(holder)} AS holder "
            f"FROM {read_parquet(folder / f'{holder}.parquet')} WHERE {quote_identifier(kind)} IS NOT NULL"
            for holder in holders
        )
        groups = (
            f"SELECT list_sort(list(DISTINCT id)) AS ids, list_sort(list(DISTINCT holder)) AS holders "
            f"FROM ({ids}) GROUP BY {_FOLDED} HAVING count(DISTINCT id) > 1"
        )
        count, spelled, where = connection.execute(
            f"SELECT count(*), min(ids[:2]), arg_min(holders, ids) FROM ({groups})"
        ).fetchone() or (0, None, None)
        if not count:
            continue
        shown = "" if kind in _PERSONAL else f"{' and '.join(map(repr, spelled))} "
        findings.add(
            "ids_spelled_alike",
            None,
            int(count),
            f"{kind}: {count:,} {'id has' if count == 1 else 'ids have'} several spellings that differ only in leading "
            "zeros, case or blanks. They count as different; if they are the same, spell them alike in every table.",
            f"{shown}in {', '.join(where)}",
        )
