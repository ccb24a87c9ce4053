"""Cast a file's columns to the contract's columns and types, as SQL; `landing/checking.py` applies the casts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from core import ids
from core.clock import utc_now
from core.duckdb_engine import quote_identifier, quote_literal
from core.limits import MAX_NUMBER
from landing.contract import PERSONAL, PLANNED, SQL_TYPE, Column, ColumnType
from landing.errors import ContractError
from landing.reading.sources import Source
from settings import Settings

_WHOLE = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
}
_EXACT = {"FLOAT": 2**24, "DOUBLE": 2**53}
"""Limits from which a float may stand for several whole numbers."""
_AHEAD = timedelta(days=366)
_NESTED = ("[", "STRUCT", "MAP", "UNION", "BIT")

EXPECTED: dict[ColumnType, str] = {
    "id": "an id (text or a whole number)",
    "text": "text",
    "number": "a number such as 3 or 1.99, with a decimal point and without thousands separators",
    "boolean": "true or false",
    "date": "a date such as 2017-03-01",
    "timestamp": "a timestamp in UTC such as 2017-03-01 14:05:00",
}


@dataclass(frozen=True)
class PlausibleDays:
    """The range of plausible dates: from the day `first`; no event after the instant `last` (UTC)."""

    first: date
    last: datetime

    @classmethod
    def of(cls, settings: Settings) -> "PlausibleDays":
        """Return the range from the setting up to a year from now."""
        return cls(settings.earliest_day, (utc_now() + _AHEAD).replace(microsecond=0))


@dataclass(frozen=True)
class Cast:
    """The way to read one contract column; all attributes but the first two are SQL.

    Attributes:
        column: The column of the contract.
        found: The type of the file's column, or "absent".
        expression: The value in the contract's type.
        doubtful: A cheap condition that holds for every value that does not fit or is changed; None if all values fit.
        problem: A key of the reasons in `checking._reason` if the value does not fit; NULL if it fits.
        text: The text, for ids that are text.
    """

    column: Column
    found: str
    expression: str
    doubtful: str | None = None
    problem: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Part:
    """Files of a table whose columns have the same types, so that one list of casts reads them all."""

    files: tuple[Path, ...]
    casts: tuple[Cast, ...]

    def rows(self, source: Source) -> str:
        """Return a query for all rows, in the contract's columns and types."""
        columns = ", ".join(f"{cast.expression} AS {quote_identifier(cast.column.name)}" for cast in self.casts)
        return f"SELECT {columns} FROM {source.reader(self.files)}"


def plan_parts(connection: duckdb.DuckDBPyConnection, source: Source, days: PlausibleDays) -> tuple[Part, ...]:
    """Return one part for each combination of column types that the files have.

    Types are checked before the files are united: united, the ids 101.0 and '101' would be two texts, and whole numbers
    beyond 2^53 would be rounded. Absent optional columns become NULL.

    Raises:
        ContractError: A file lacks a required column, or has a column of a type that can never fit.
    """
    parts: dict[tuple[str | None, ...], list[Path]] = {}
    for file in source.files:
        found = source.columns(connection, (file,))
        missing = [column for column in source.table.required_columns if column not in found]
        if missing:
            raise ContractError(_missing(source, file, missing, found))
        types = tuple(found.get(column.name) for column in source.table.columns)
        if types not in parts:
            for column, kind in zip(source.table.columns, types, strict=True):
                _refuse_wrong_kind(source, file, column, kind)
        parts.setdefault(types, []).append(file)
    return tuple(
        Part(tuple(files), tuple(_cast(*pair, days) for pair in zip(source.table.columns, types, strict=True)))
        for types, files in parts.items()
    )


def _refuse_wrong_kind(source: Source, file: Path, column: Column, found: str | None) -> None:
    if found is None or found in ("VARCHAR", "BLOB"):
        return
    exact = found in _WHOLE or found.startswith("DECIMAL")
    fits = {
        "id": exact or found in _EXACT or found == "UUID" or found.startswith("ENUM"),
        "text": not any(mark in found for mark in _NESTED) or found.startswith("ENUM"),
        "number": exact or found in _EXACT,
        "boolean": found == "BOOLEAN",
        "date": found == "DATE" or found.startswith("TIMESTAMP"),
        "timestamp": found == "DATE" or found.startswith("TIMESTAMP"),
    }
    if not fits[column.type]:
        raise ContractError(
            f"{source.name_of(file)} in {source.root}: the column '{column.name}' is of type {found}; "
            f"expected {EXPECTED[column.type]}."
        )


def _cast(column: Column, found: str | None, days: PlausibleDays) -> Cast:
    value = quote_identifier(column.name)
    if found is None:
        return Cast(column, "absent", f"CAST(NULL AS {SQL_TYPE[column.type]})")
    if found == "BLOB":
        return _from_bytes(column, value, days)
    return _CASTS[column.type](column, value, found, days)


def _from_bytes(column: Column, value: str, days: PlausibleDays) -> Cast:
    """Cast text that old writers of Parquet stored as bytes."""
    text = f"TRY(decode({value}))"
    cast = _cast_text(column, text, days)
    broken = f"({value} IS NOT NULL AND {text} IS NULL)"
    doubtful = f"({broken} OR {cast.doubtful})" if cast.doubtful else broken
    problem = f"CASE WHEN {broken} THEN 'bytes' ELSE {cast.problem or 'NULL'} END"
    return Cast(column, "BLOB", cast.expression, doubtful, problem, cast.text)


def _cast_text(column: Column, text: str, days: PlausibleDays) -> Cast:
    return _CASTS[column.type](column, text, "VARCHAR", days)


def _id(column: Column, value: str, found: str, days: PlausibleDays) -> Cast:
    if found in _EXACT:
        exact = f"({value} = trunc({value}) AND abs({value}) < {_EXACT[found]})"
        problem = _first_of(
            {
                "infinite": f"isinf({value})",
                "a fraction": f"NOT isnan({value}) AND {value} <> trunc({value})",
                "inexact": f"NOT isnan({value}) AND abs({value}) >= {_EXACT[found]}",
            }
        )
        expression = f"CASE WHEN {exact} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) END"
        return Cast(column, found, expression, f"({value} IS NOT NULL AND NOT {exact})", problem)
    if found.startswith("DECIMAL") and not found.endswith(",0)"):
        # trunc() drops the scale
        fraction = f"({value} <> trunc({value}))"
        return Cast(column, found, f"CAST(trunc({value}) AS VARCHAR)", fraction, _first_of({"a fraction": fraction}))
    if found in _WHOLE or found.startswith("DECIMAL") or found == "UUID":
        return Cast(column, found, f"CAST({value} AS VARCHAR)")
    text = value if found == "VARCHAR" else f"CAST({value} AS VARCHAR)"
    identifier = ids.id_sql(text)
    doubtful = f"NOT {ids.plain_sql(text)}"
    return Cast(column, found, identifier, doubtful, ids.problem_sql(f"({identifier})"), text)


def _text(column: Column, value: str, found: str, days: PlausibleDays) -> Cast:
    return Cast(column, found, f"nullif(trim(CAST({value} AS VARCHAR)), '')")


def _number(column: Column, value: str, found: str, days: PlausibleDays) -> Cast:
    number = f"TRY_CAST({value} AS DOUBLE)"
    within = f"({number} BETWEEN -{MAX_NUMBER} AND {MAX_NUMBER})"
    conditions = {"infinite": f"NOT isfinite({number})", "too large": f"NOT {within}"}
    if found != "VARCHAR":
        return Cast(column, found, number, f"NOT {within}", _first_of(conditions))
    # DuckDB reads 1_000 as 1000
    unread = f"({value} IS NOT NULL AND ({number} IS NULL OR contains({value}, '_')))"
    problem = _first_of({"another type": unread} | conditions)
    return Cast(column, found, number, f"({unread} OR NOT {within})", problem)


def _time(column: Column, value: str, found: str, days: PlausibleDays) -> Cast:
    if column.type == "timestamp" and (found == "VARCHAR" or "TIME ZONE" in found):
        time = f"(TRY_CAST({value} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    else:
        time = f"TRY_CAST({value} AS {SQL_TYPE[column.type]})"
    outside = {"infinite": f"NOT isfinite({time})", "too early": f"{time} < DATE {quote_literal(days.first)}"}
    if column.name not in PLANNED:
        outside["too late"] = f"{time} > TIMESTAMP {quote_literal(days.last)}"
    # DuckDB reads BST as Bangladesh Standard Time, so only the names of UTC are accepted.
    named = f"(regexp_matches({value}, '[A-Za-z]$') AND NOT regexp_matches(upper({value}), '(Z|UTC|GMT|INFINITY)$'))"
    unread = f"{time} IS NULL" if found != "VARCHAR" else f"({time} IS NULL OR {named})"
    conditions = {"another type": f"({value} IS NOT NULL AND {unread})"} | outside
    doubtful = " OR ".join(conditions.values() if found == "VARCHAR" else outside.values())
    return Cast(column, found, time, f"({doubtful})", _first_of(conditions))


def _boolean(column: Column, value: str, found: str, days: PlausibleDays) -> Cast:
    truth = f"TRY_CAST({value} AS BOOLEAN)"
    if found != "VARCHAR":
        return Cast(column, found, truth)
    # DuckDB also reads single letters and numbers; only the two words are accepted.
    words = f"(lower({value}) IN ('true', 'false'))"
    unread = f"({value} IS NOT NULL AND trim({value}) <> '' AND NOT {words})"
    return Cast(column, found, truth, unread, _first_of({"another type": unread}))


_CASTS: dict[ColumnType, Callable[[Column, str, str, PlausibleDays], Cast]] = {
    "id": _id,
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _time,
    "timestamp": _time,
}


def _first_of(conditions: Mapping[str, str]) -> str:
    """Return an SQL expression: the key of the first condition that holds, else NULL."""
    return "CASE " + " ".join(f"WHEN {condition} THEN '{key}'" for key, condition in conditions.items()) + " END"


def _missing(source: Source, file: Path, missing: list[str], found: dict[str, str]) -> str:
    quoted = ", ".join(f"'{column}'" for column in missing)
    expected = {column.name: EXPECTED[column.type] for column in source.table.columns}
    # Without a header, the names are the first row's values.
    names = f"{len(found)} columns" if source.table in PERSONAL else f"the columns {', '.join(found)}"
    return (
        f"{source.name_of(file)} in {source.root} lacks the required "
        f"column{'s' if len(missing) > 1 else ''} {quoted}; "
        f"expected {', '.join(f'{column}: {expected[column]}' for column in missing)}. "
        f"Found {names}. Rename or add what is missing."
    )
