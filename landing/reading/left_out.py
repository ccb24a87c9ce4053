"""Count the rows that an admission leaves out, and those that no later step uses, each with an example."""

from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, quote_literal
from landing.contract import CAMPAIGNS, COUPONS, PRODUCTS, PROMOTIONS, REDEMPTIONS, TRANSACTIONS, Table
from landing.findings import Findings
from landing.reading.cutoff import Cutoff


def count_not_yet_known(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: str, cutoff: Cutoff, findings: Findings
) -> tuple[int, int]:
    """Count the rows of the query that are known on the day, and those that are not."""
    known = cutoff.filter_for(table)
    first = (
        "NULL"
        if table.known_at_column is None
        else f"min({quote_identifier(table.known_at_column)}) FILTER (NOT {known})"
    )
    found = connection.execute(
        f"SELECT count(*) FILTER ({known}), count(*) FILTER (NOT {known}), {first} FROM ({rows})"
    ).fetchone()
    kept, later, example = found or (0, 0, None)
    findings.add(
        "row_not_yet_known",
        table.name,
        later,
        f"{table.name}: {_rows(later)} left out, not yet known on {cutoff.as_of} by {table.known_at_column}.",
        None if example is None else f"{table.known_at_column} {example}",
    )
    return int(kept), int(later)


def count_other_customers(table: Table, left_out: int, limit: int, findings: Findings) -> None:
    """Count the rows of customers beyond the limit."""
    findings.add(
        "row_of_other_customer",
        table.name,
        left_out,
        f"{table.name}: {_rows(left_out)} left out, of customers beyond REACH_MAX_CUSTOMERS={limit}.",
    )


def count_coupons(
    connection: duckdb.DuckDBPyConnection, coupons: str, campaigns: str, admitted: str, findings: Findings
) -> None:
    """Count the coupons whose campaign is not admitted: not yet begun, or in no row of the landing's campaigns.

    Args:
        connection: The connection that runs the queries.
        coupons: Query for all coupons of the landing.
        campaigns: Query for all campaigns of the landing.
        admitted: Query for the admitted campaigns.
        findings: The findings to add to.
    """
    kept = f"SELECT campaign_id FROM ({admitted}) WHERE campaign_id IS NOT NULL"
    lost = f"SELECT campaign_id FROM ({coupons}) WHERE campaign_id IS NULL OR campaign_id NOT IN ({kept})"
    begun = f"campaign_id IN (SELECT campaign_id FROM ({campaigns}))"
    found = connection.execute(
        f"SELECT count(*) FILTER ({begun}), min(campaign_id) FILTER ({begun}), "
        f"count(*) FILTER (({begun}) IS NOT TRUE), "
        f"coalesce(min(campaign_id) FILTER (({begun}) IS NOT TRUE), '(no campaign_id)') FROM ({lost})"
    ).fetchone()
    later, campaign, unknown, spelling = found or (0, None, 0, "")
    findings.add(
        "row_not_yet_known",
        COUPONS.name,
        later,
        f"coupons: {_rows(later)} left out, of campaigns that are not admitted.",
        f"campaign_id '{campaign}'",
    )
    hint, example = "", f"campaign_id '{spelling}'"
    if unknown:
        alike = connection.execute(
            f"SELECT lost.campaign_id, min(known.campaign_id) FROM ({lost}) AS lost JOIN ({campaigns}) AS known "
            f"ON {_plain('lost')} = {_plain('known')} AND lost.campaign_id <> known.campaign_id "
            f"WHERE lost.campaign_id NOT IN (SELECT campaign_id FROM ({campaigns}) WHERE campaign_id IS NOT NULL) "
            "GROUP BY ALL ORDER BY ALL LIMIT 1"
        ).fetchone()
        if alike:
            hint = " Spell the campaigns alike in both tables."
            example = f"campaign_id '{alike[0]}', where campaigns has '{alike[1]}'"
    findings.add(
        "unknown_campaign",
        COUPONS.name,
        unknown,
        f"coupons: {_rows(unknown)} left out, of campaigns that are in no row of campaigns.{hint}",
        example,
    )


def count_unused(connection: duckdb.DuckDBPyConnection, folder: Path, findings: Findings) -> None:
    """Count admitted rows that no feature uses, because no other table has their product or customer."""

    def ids(table: Table, column: str) -> str:
        return f"SELECT {column} FROM read_parquet({quote_literal(folder / f'{table.name}.parquet')})"

    for table in (PROMOTIONS, COUPONS):
        known = f"{ids(PRODUCTS, 'product_id')} UNION ALL {ids(TRANSACTIONS, 'product_id')}"
        count, example = _unmatched(connection, ids(table, "product_id"), known, "product_id")
        findings.add(
            "unknown_product",
            table.name,
            count,
            f"{table.name}: {_rows(count)} used by no feature, of products in neither products nor transactions.",
            f"product_id '{example}'",
        )
    for table in (CAMPAIGNS, REDEMPTIONS):
        known = ids(TRANSACTIONS, "customer_id")
        count, _ = _unmatched(connection, ids(table, "customer_id"), known, "customer_id")
        findings.add(
            "customer_without_purchase",
            table.name,
            count,
            f"{table.name}: {_rows(count)} used by no feature yet, of customers without a purchase.",
        )


def _unmatched(connection: duckdb.DuckDBPyConnection, rows: str, known: str, column: str) -> tuple[int, str | None]:
    found = connection.execute(
        f"SELECT count(*), min({column}) FROM ({rows}) WHERE {column} IS NOT NULL "
        f"AND {column} NOT IN (SELECT {column} FROM ({known}) WHERE {column} IS NOT NULL)"
    ).fetchone()
    return (int(found[0]), found[1]) if found else (0, None)


def _plain(alias: str) -> str:
    return f"lower(trim({alias}.campaign_id))"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
