"""Check one landing table and write its admitted rows, streaming through DuckDB."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, quote_literal
from core.files.hashes import file_sha256
from landing.checking import check_parts
from landing.contract import CAMPAIGNS, COUPONS, PERSONAL, SQL_TYPE, TRANSACTIONS, Table
from landing.errors import SourceError, not_written
from landing.findings import Findings
from landing.manifest import TableSummary
from landing.reading.casting import Part, PlausibleDays, plan_parts
from landing.reading.cutoff import Cutoff, Span
from landing.reading.left_out import count_coupons, count_not_yet_known, count_other_customers
from landing.reading.parts import count_empty, count_ignored, count_partial, count_set_aside, rows_in
from landing.reading.sources import Source, unreadable

MEMORY_LIMIT = "512MB"
"""Memory of one DuckDB connection, unless REACH_MEMORY is changed; tables are streamed."""


@dataclass(frozen=True)
class CheckedTable:
    """A table that passed the contract's checks; without a source, it is optional and absent."""

    table: Table
    source: Source | None
    parts: tuple[Part, ...] = ()

    @property
    def rows(self) -> str:
        """Query for all rows, in the contract's columns and types."""
        if self.source is None or not self.source.files:
            typed = (f"CAST(NULL AS {SQL_TYPE[c.type]}) AS {quote_identifier(c.name)}" for c in self.table.columns)
            return f"SELECT {', '.join(typed)} WHERE false"
        return " UNION ALL ".join(part.rows(self.source) for part in self.parts)


def check_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: Source | None,
    days: PlausibleDays,
    findings: Findings,
) -> CheckedTable:
    """Check columns, types and values, and add noteworthy facts to `findings`.

    Raises:
        SourceError: A file cannot be read.
        ContractError: A column or value does not fit; the message names file, column, value and expectation.
    """
    if source is None:
        return CheckedTable(table, None)
    count_set_aside(source, findings)
    if not source.files:
        count_empty(source, [], findings)
        return CheckedTable(table, source)
    found = source.columns(connection)
    parts = plan_parts(connection, source, days)
    count_empty(source, [file for file in source.files if rows_in(connection, source, file) == 0], findings)
    count_partial(connection, source, found, findings)
    parts = check_parts(connection, source, parts, days, findings)
    count_ignored(source, found, findings)
    return CheckedTable(table, source, parts)


def transaction_span(connection: duckdb.DuckDBPyConnection, transactions: CheckedTable) -> Span:
    """Return the first and the newest time of the transactions.

    Raises:
        SourceError: No transaction has a time.
    """
    found = connection.execute(f"SELECT min(transaction_at), max(transaction_at) FROM ({transactions.rows})").fetchone()
    if found is None or found[0] is None:
        assert transactions.source is not None
        raise SourceError(f"{transactions.source.label}: the column 'transaction_at' is empty in every row.")
    return Span(*found)


def write_table(
    connection: duckdb.DuckDBPyConnection,
    checked: CheckedTable,
    cutoff: Cutoff,
    customers: int | None,
    campaigns: CheckedTable,
    folder: Path,
    findings: Findings,
) -> TableSummary:
    """Write the rows known at the cutoff to `<folder>/<table>.parquet`, and count the others.

    Transactions and campaigns must be written before the tables that are limited by them. If the landing has campaigns,
    a coupon is known once its campaign is.

    Args:
        connection: The connection that runs the queries.
        checked: The table.
        cutoff: The day of the run.
        customers: Maximum number of customers (see `_chosen`), or None.
        campaigns: The checked campaigns.
        folder: The folder to write to.
        findings: The findings to add to.

    Returns:
        Rows and hash of the written file.

    Raises:
        SourceError: A file of the landing cannot be read.
        LandingError: The target cannot be written.
    """
    table = checked.table
    target = folder / f"{table.name}.parquet"
    condition = cutoff.filter_for(table)
    known_campaigns = f"SELECT campaign_id FROM {_admitted(CAMPAIGNS, folder)}"
    if table is COUPONS and campaigns.source is not None:
        condition += f" AND campaign_id IN ({known_campaigns})"
    if customers is not None and table.has_customers:
        chosen = _chosen(checked, cutoff, customers, folder)
        condition += f" AND (customer_id IS NULL OR customer_id IN ({chosen}))"
    query = f"SELECT * FROM ({checked.rows}) WHERE {condition}"
    try:
        connection.execute(f"COPY ({query}) TO {quote_literal(target)} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        files = checked.source.files if checked.source is not None else ()
        if checked.source is not None and any(str(file) in str(error) for file in files):
            raise unreadable(checked.source, error) from error
        raise not_written(target, error) from error
    if table in PERSONAL:
        target.chmod(0o600)
    rows = _scalar(connection, f"SELECT count(*) FROM read_parquet({quote_literal(target)})")
    known, later = count_not_yet_known(connection, table, checked.rows, cutoff, findings)
    if table is COUPONS and campaigns.source is not None:
        count_coupons(connection, checked.rows, campaigns.rows, known_campaigns, findings)
    if customers is not None and table.has_customers:
        count_other_customers(table, known - rows, customers, findings)
    return TableSummary(rows=rows, not_yet_known=later, sha256=file_sha256(target))


def _chosen(checked: CheckedTable, cutoff: Cutoff, customers: int, folder: Path) -> str:
    """Return a query for the first known buyers by a hash of their id; md5 is the same in every DuckDB version."""
    buyers = (
        f"SELECT customer_id FROM ({checked.rows}) WHERE {cutoff.filter_for(TRANSACTIONS)}"
        if checked.table is TRANSACTIONS
        else f"SELECT customer_id FROM {_admitted(TRANSACTIONS, folder)}"
    )
    return (
        f"SELECT customer_id FROM ({buyers}) WHERE customer_id IS NOT NULL "
        f"GROUP BY customer_id ORDER BY md5(customer_id) LIMIT {customers}"
    )


def _admitted(table: Table, folder: Path) -> str:
    return f"read_parquet({quote_literal(folder / f'{table.name}.parquet')})"


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
