"""Turns a source's columns into the contract's columns and types, or says which value cannot be turned."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from landing.contract import SQL_TYPE, Column, ColumnType
from landing.engine import name
from landing.errors import ContractError
from landing.findings import Findings
from landing.sources import Source, unreadable

_WHOLE = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
}
_FLOATING = {"FLOAT", "DOUBLE"}
_NESTED = ("[", "STRUCT", "MAP", "UNION", "BLOB", "BIT")

_EXPECTED: dict[ColumnType, str] = {
    "id": "an id (text or a whole number)",
    "text": "text",
    "number": "a number such as 3 or 1.99",
    "date": "a date such as 2017-03-01",
    "timestamp": "a timestamp in UTC such as 2017-03-01 14:05:00",
}


@dataclass(frozen=True)
class Cast:
    """How one contract column is read: `expression` is SQL; `can_fail` if some values may not fit."""

    column: Column
    found: str
    expression: str
    can_fail: bool

    @property
    def fails(self) -> str:
        """An SQL condition: the value is there, but does not fit."""
        condition = f"{name(self.column.name)} IS NOT NULL AND ({self.expression}) IS NULL"
        if self.column.type == "number":
            return f"({condition}) OR NOT isfinite({self.expression})"
        return condition


def plan_casts(connection: duckdb.DuckDBPyConnection, source: Source, found: dict[str, str]) -> list[Cast]:
    """One cast for every column of the contract, in its order; absent optional columns become NULL.

    Raises ContractError for a required column missing in any file or a column of a kind that can never fit.
    """
    for file in source.files:
        here = source.columns(connection, (file,)) if len(source.files) > 1 else found
        missing = [column for column in source.table.required_columns if column not in here]
        if missing:
            raise ContractError(_missing(source, file, missing, here))
    return [_cast(source, column, found.get(column.name)) for column in source.table.columns]


def check_casts(connection: duckdb.DuckDBPyConnection, source: Source, casts: list[Cast], findings: Findings) -> None:
    """Read the columns once; add to `findings` what is noteworthy.

    Raises ContractError for the first value that does not fit its type.
    """
    risky = [cast for cast in casts if cast.can_fail]
    if not risky:
        return
    counts = ", ".join(f"count(*) FILTER ({cast.fails})" for cast in risky)
    try:
        bad = connection.execute(f"SELECT {counts} FROM {source.reader()}").fetchone() or ()
    except duckdb.Error as error:
        raise unreadable(source, error) from error
    for cast, count in zip(risky, bad, strict=True):
        if count:
            raise ContractError(_wrong_value(connection, source, cast, int(count)))


def _cast(source: Source, column: Column, found: str | None) -> Cast:
    target = SQL_TYPE[column.type]
    if found is None:
        return Cast(column, "absent", f"CAST(NULL AS {target})", can_fail=False)
    value = name(column.name)
    if any(mark in found for mark in _NESTED):
        raise ContractError(_wrong_kind(source, column, found))
    if column.type in ("id", "text"):
        if found in _FLOATING and column.type == "id":
            # pandas stores whole numbers with gaps as floats: 17.0 is the id '17'
            whole = f"CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS HUGEINT) END"
            return Cast(column, found, f"CAST({whole} AS VARCHAR)", can_fail=True)
        text = f"CAST({value} AS VARCHAR)"
        return Cast(column, found, f"nullif(trim({text}), '')", can_fail=False)
    if column.type == "number":
        if found != "VARCHAR" and found not in _WHOLE | _FLOATING and not found.startswith("DECIMAL"):
            raise ContractError(_wrong_kind(source, column, found))
        return Cast(column, found, f"TRY_CAST({value} AS DOUBLE)", found == "VARCHAR" or found in _FLOATING)
    if found != "VARCHAR" and found != "DATE" and not found.startswith("TIMESTAMP"):
        raise ContractError(_wrong_kind(source, column, found))
    if column.type == "timestamp" and (found == "VARCHAR" or "TIME ZONE" in found):
        expression = f"TRY_CAST({value} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
    else:
        expression = f"TRY_CAST({value} AS {target})"
    return Cast(column, found, expression, can_fail=found == "VARCHAR")


def _missing(source: Source, file: Path, missing: list[str], found: dict[str, str]) -> str:
    quoted = ", ".join(f"'{column}'" for column in missing)
    expected = {column.name: _EXPECTED[column.type] for column in source.table.columns}
    return (
        f"{source.name_of(file)} in {source.root} lacks the required "
        f"column{'s' if len(missing) > 1 else ''} {quoted}; "
        f"expected {', '.join(f'{column}: {expected[column]}' for column in missing)}. "
        f"Found the columns {', '.join(found)}. Rename or add what is missing."
    )


def _wrong_kind(source: Source, column: Column, found: str) -> str:
    return (
        f"{source.label} in {source.root}: the column '{column.name}' is of type {found}; "
        f"expected {_EXPECTED[column.type]}."
    )


def _wrong_value(connection: duckdb.DuckDBPyConnection, source: Source, cast: Cast, count: int) -> str:
    """Find the first bad value: file by file, since a row's number is counted within its file."""
    column = cast.column
    place, value = source.label, ""
    for file in source.files:
        if column.name not in source.columns(connection, (file,)):
            continue
        first = connection.execute(
            f"SELECT row, value FROM (SELECT row_number() OVER () AS row, {name(column.name)} AS value, "
            f"{cast.fails} AS bad FROM {source.reader((file,))}) WHERE bad ORDER BY row LIMIT 1"
        ).fetchone()
        if first is not None:
            place, value = f"{source.name_of(file)} in {source.root}, row {first[0]}", str(first[1])
            break
    more = f" {count:,} values of this column are wrong." if count > 1 else ""
    # ids may be personal data: the kind of fault is said, not the id
    shown = "a value" if column.type == "id" else f"'{value}'"
    return f"{place}: the column '{column.name}' holds {shown}; expected {_EXPECTED[column.type]}.{more}"
