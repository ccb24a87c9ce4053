"""The staged scores of customers, in frames small enough to validate: one row a table, column, tag or segment."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from core.duckdb_engine import quote_identifier, quote_literal, read_parquet
from customer_scores.tables import PREDICTIONS, SEGMENTS, TAGS
from quality.frames.engine import frame, one_row

KEYS = {PREDICTIONS: ("customer_id",), TAGS: ("customer_id", "tag"), SEGMENTS: ("customer_id", "axis")}
"""Key columns of each table with several rows per customer; other tables have one row per customer."""

PROBABILITIES = {PREDICTIONS: ("lapse_4w", "lapse_8w", "order_7d", "order_14d"), TAGS: ("confidence",)}

_PERSONAL = re.compile(
    r"(^|_)(e?mail|phone|mobile|address|street|zip|postcode|birth(day|date)?|dob|iban|ssn|passport|card_number"
    r"|(first|last|full|given|family|sur|customer|maiden)_?name|name)(_|$)"
)
"""Names of columns that identify a person beyond the shop's own id."""


def columns(files: Sequence[Path]) -> pd.DataFrame:
    """Return one row a column of customers' tables: `subject` file.column, and whether its name `is_personal`."""
    rows = [
        (f"{file.stem}.{name}", _PERSONAL.search(name.lower()) is not None)
        for file in files
        if "customer_id" in (names := pq.read_schema(file).names)
        for name in names
    ]
    return pd.DataFrame(rows, columns=["subject", "is_personal"])


def ids(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], known: Path) -> pd.DataFrame:
    """Return one row a table of customers: rows with a `missing` id, of `unknown` customers, `repeated` keys.

    Args:
        connection: An open connection.
        files: The tables; one without a column customer_id is left out.
        known: The feature table whose customers are the known ones.
    """
    rows = []
    for file in files:
        if "customer_id" not in pq.read_schema(file).names:
            continue
        source, key = read_parquet(file), KEYS.get(file.name)
        unknown = f"customer_id NOT IN (SELECT customer_id FROM {read_parquet(known)})"
        found = one_row(
            connection,
            f"SELECT count(*) - count(customer_id), count(*) FILTER ({unknown}) FROM {source}",
        )
        repeated = 0
        if key:
            distinct = f"(SELECT DISTINCT {', '.join(key)} FROM {source})"
            repeated = one_row(connection, f"SELECT (SELECT count(*) FROM {source}) - count(*) FROM {distinct}")[0]
        rows.append((file.name, *found, repeated))
    return pd.DataFrame(rows, columns=["subject", "missing", "unknown", "repeated"])


def probabilities(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row a probability: `subject` table.column, `lowest`, `highest`, and how many are `missing` or NaN."""
    rows = []
    for table, names in PROBABILITIES.items():
        if not (folder / table).exists():
            continue
        source = read_parquet(folder / table)
        for name in names:
            column = quote_identifier(name)
            finite = f"FILTER (isfinite({column}))"
            found = one_row(
                connection,
                f"SELECT min({column}) {finite}, max({column}) {finite}, count(*) - count(*) {finite} FROM {source}",
            )
            rows.append((f"{table.removesuffix('.parquet')}.{name}", *found))
    if (folder / PREDICTIONS).exists():
        source, listed = read_parquet(folder / PREDICTIONS), "unnest(categories_due_probability) AS p"
        due = f"(SELECT {listed} FROM {source})"
        found = one_row(connection, f"SELECT min(p), max(p), count(*) FILTER (NOT isfinite(p)) FROM {due}")
        rows.append(("predictions.categories_due_probability", *found))
    return pd.DataFrame(rows, columns=["subject", "lowest", "highest", "missing"]).astype(
        {"lowest": float, "highest": float}
    )


def intervals(connection: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return one row for the interval of the spend, one for the lists of categories due: how many are `disordered`."""
    if not (folder / PREDICTIONS).exists():
        return pd.DataFrame(columns=["subject", "disordered"])
    source = read_parquet(folder / PREDICTIONS)
    ordered = "spend_8w_low >= 0 AND spend_8w_low <= spend_8w AND spend_8w <= spend_8w_high"
    aligned = "len(categories_due) = len(categories_due_probability)"
    found = one_row(
        connection,
        f"SELECT count(*) FILTER (({ordered}) IS NOT TRUE), count(*) FILTER (({aligned}) IS NOT TRUE) FROM {source}",
    )
    subjects = ["predictions.spend_8w", "predictions.categories_due"]
    return pd.DataFrame({"subject": subjects, "disordered": list(found)})


def tags(connection: duckdb.DuckDBPyConnection, folder: Path, as_of: date) -> pd.DataFrame:
    """Return one row a tag: customers who have it `without_evidence`, or with evidence `after_as_of`."""
    if not (folder / TAGS).exists():
        return pd.DataFrame(columns=["subject", "without_evidence", "after_as_of"])
    evident = "evidence_rows > 0 AND evidence_from <= evidence_until"
    return frame(
        connection,
        f"SELECT tag AS subject, count(*) FILTER (({evident}) IS NOT TRUE) AS without_evidence, "
        f"count(*) FILTER (evidence_until > DATE {quote_literal(as_of)}) AS after_as_of "
        f"FROM {read_parquet(folder / TAGS)} GROUP BY tag ORDER BY tag",
    )


def segment_shares(
    connection: duckdb.DuckDBPyConnection, folder: Path, before: Path, least_customers: int
) -> pd.DataFrame:
    """Return one row a segment: its `share` of the axis, and the `share_ratio` to that of the last publication.

    The ratio is missing where the last publication did not have the segment, or had fewer than `least_customers` in it.
    """
    if not (folder / SEGMENTS).exists():
        return pd.DataFrame(columns=["subject", "share", "share_ratio"])
    known = (before / SEGMENTS).exists()
    earlier = _shares(before / SEGMENTS) if known else f"SELECT * FROM ({_shares(folder / SEGMENTS)}) LIMIT 0"
    return frame(
        connection,
        "SELECT now.axis || ' ' || now.segment AS subject, now.share, "
        f"CASE WHEN earlier.customers >= {least_customers} THEN now.share / earlier.share END AS share_ratio "
        f"FROM ({_shares(folder / SEGMENTS)}) AS now LEFT JOIN ({earlier}) AS earlier USING (axis, segment) "
        "ORDER BY subject",
    )


def _shares(file: Path) -> str:
    return (
        "SELECT axis, segment, count(*) AS customers, count(*) / sum(count(*)) OVER (PARTITION BY axis) AS share "
        f"FROM {read_parquet(file)} GROUP BY axis, segment"
    )
