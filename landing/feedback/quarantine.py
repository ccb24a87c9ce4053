"""Keep unusable entries of the event log and rows of feedback in `<home>/quarantine/`, with the reason.

They are counted and never read again, so they cannot stop a run. Like batches, the files may hold personal data.
Each file is written whole under a name that a repeated run uses again, so nothing is stored twice.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from core import ids
from core.duckdb_engine import quote_identifier, quote_literal
from core.event_types import event_types
from core.files.atomic import replace_file, staging_path
from core.limits import MAX_PRICE, MAX_QUERY_CHARS, MAX_RATING, MAX_UNITS
from landing.contract import EVENTS, Column, Table
from landing.findings import Findings
from landing.reading.casting import PlausibleDays

_LARGEST = {
    "quantity": MAX_UNITS,
    "price": MAX_PRICE,
    "rating": MAX_RATING,
    "rating_min": MAX_RATING,
    "rating_max": MAX_RATING,
}
_CAUSES_SHOWN = 5


class Entry(NamedTuple):
    """An entry of the event log that cannot be collected: its table, its text, and the reason."""

    table: str
    text: str
    reason: str


def folder_of(home: Path) -> Path:
    """Return the folder of quarantined entries."""
    return home / "quarantine"


def set_aside_entries(home: Path, name: str, entries: Sequence[Entry]) -> None:
    """Write the entries as JSON lines to `<name>.jsonl`; nothing if there are none."""
    if not entries:
        return
    folder_of(home).mkdir(exist_ok=True)
    lines = "".join(json.dumps(entry._asdict(), ensure_ascii=False) + "\n" for entry in entries)
    replace_file(folder_of(home) / f"{name}.jsonl", lines)


def set_aside_rows(
    connection: duckdb.DuckDBPyConnection, home: Path, table: Table, query: str, days: PlausibleDays, findings: Findings
) -> str:
    """Return a query for the usable rows of `query`, with their ids in normal form.

    The other rows go to `<table>.csv` and are counted in `findings`.
    """
    cleaned = ", ".join(
        f"{ids.id_sql(quote_identifier(column.name))} AS {quote_identifier(column.name)}"
        if column.type == "id"
        else quote_identifier(column.name)
        for column in table.columns
    )
    checked = f"SELECT *, {_reason(table, days)} AS reason FROM (SELECT {cleaned} FROM ({query}))"
    causes = connection.execute(
        f"SELECT reason, count(*) FROM ({checked}) WHERE reason IS NOT NULL GROUP BY reason ORDER BY 2 DESC, 1"
    ).fetchall()
    target = folder_of(home) / f"{table.name}.csv"
    if not causes:
        target.unlink(missing_ok=True)
        return f"SELECT * EXCLUDE (reason) FROM ({checked})"
    folder_of(home).mkdir(exist_ok=True)
    staged = staging_path(target)
    connection.execute(
        f"COPY (SELECT * FROM ({checked}) WHERE reason IS NOT NULL) TO {quote_literal(staged)} (FORMAT csv)"
    )
    staged.replace(target)
    rows = sum(count for _, count in causes)
    findings.add(
        "feedback_set_aside",
        table.name,
        rows,
        f"{table.name}: {rows:,} {'row' if rows == 1 else 'rows'} cannot be used and went to {target}: "
        + "; ".join(f"{count:,} times {reason}" for reason, count in causes[:_CAUSES_SHOWN])
        + ("; and other reasons." if len(causes) > _CAUSES_SHOWN else "."),
    )
    return f"SELECT * EXCLUDE (reason) FROM ({checked}) WHERE reason IS NULL"


def _reason(table: Table, days: PlausibleDays) -> str:
    """Return an SQL expression: the reason if a row cannot be used, else NULL."""
    conditions: dict[str, str] = {}
    for column in table.columns:
        conditions |= _conditions(column, days)
    if table is EVENTS:
        conditions |= _of_types()
    cases = " ".join(f"WHEN {condition} THEN {quote_literal(reason)}" for reason, condition in conditions.items())
    return f"CASE {cases} END"


def _of_types() -> dict[str, str]:
    """Return the SQL condition of each reason that depends on the type of an event."""
    types = event_types().types

    def is_one_of(names: Sequence[str]) -> str:
        return f"lower(trim(event_type)) IN ({', '.join(map(quote_literal, names)) or 'NULL'})"

    rated, searched, of_product = (
        is_one_of([name for name, declared in types.items() if field in declared.needed])
        for field in ("rating", "query", "product_id")
    )
    return {
        f"event_type is not one of {', '.join(types)}": f"NOT {is_one_of(list(types))}",
        "product_id is missing": f"product_id IS NULL AND {of_product}",
        "a rating has no value or no scale": f"rating + rating_min + rating_max IS NULL AND {rated}",
        "the scale of a rating has no width": f"rating_min >= rating_max AND {rated}",
        "a rating is not on its scale": f"rating NOT BETWEEN rating_min AND rating_max AND {rated}",
        "a search has no query": f"coalesce(trim(query), '') = '' AND {searched}",
        f"a query is longer than {MAX_QUERY_CHARS} characters": f"length(query) > {MAX_QUERY_CHARS} AND {searched}",
    }


def _conditions(column: Column, days: PlausibleDays) -> dict[str, str]:
    """Return the SQL condition of each reason."""
    value, found = quote_identifier(column.name), {}
    if column.required:
        found[f"{column.name} is missing"] = f"{value} IS NULL"
    if column.type == "id":
        found |= {
            f"{column.name} is not an id: {words}": f"({ids.problem_sql(value)}) = {quote_literal(problem)}"
            for problem, words in ids.PROBLEMS.items()
            if problem != "missing"
        }
    if column.type == "number":
        found[f"{column.name} is not finite"] = f"NOT isfinite({value})"
    if column.name in _LARGEST:
        most = _LARGEST[column.name]
        found[f"{column.name} is beyond {most:,}"] = f"{value} NOT BETWEEN -{most} AND {most}"
    if column.type == "timestamp":
        found[f"{column.name} is before {days.first}"] = f"{value} < DATE {quote_literal(days.first)}"
        found[f"{column.name} is more than a year ahead"] = f"{value} > TIMESTAMP {quote_literal(days.last)}"
    return found
