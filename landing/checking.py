"""Read a table's columns once: refuse values that do not fit the contract, and count ids that are changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from core import ids
from core.duckdb_engine import quote_identifier
from core.limits import MAX_NUMBER
from landing.contract import PERSONAL, TRANSACTIONS
from landing.errors import ContractError
from landing.findings import Findings
from landing.reading.casting import EXPECTED, Cast, Part, PlausibleDays
from landing.reading.sources import Source, unreadable

_SHOWN = 60
"""Characters of a wrong value that a message repeats."""
_NOT_PERSONAL = ("product_id", "store_id", "manufacturer_id", "coupon_id", "campaign_id")
"""Ids that a message may repeat; others may be personal data."""
_WORDS_SHOWN = 3


@dataclass
class _Changed:
    """The number of ids of one column that were changed in one way, and the first one."""

    count: int = 0
    example: str | None = None


def check_parts(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    parts: Sequence[Part],
    days: PlausibleDays,
    findings: Findings,
) -> tuple[Part, ...]:
    """Return the parts with the cheapest casts that fit; add to `findings` which ids were changed or are missing.

    Raises:
        ContractError: A value does not fit its type; the message names the first one.
    """
    counts = [_count_doubtful(connection, source, part) for part in parts]
    for part, doubtful in zip(parts, counts, strict=True):
        for cast in part.casts:
            if doubtful[cast.column.name]:
                _refuse_problems(connection, source, part, cast, days)
    _count_changes(connection, source, parts, counts, findings)
    simplified = tuple(_simplified(part, doubtful) for part, doubtful in zip(parts, counts, strict=True))
    _count_anonymous(connection, source, simplified, findings)
    return simplified


def _count_doubtful(connection: duckdb.DuckDBPyConnection, source: Source, part: Part) -> dict[str, int]:
    """Count the values of each column that need a full check."""
    risky = [cast for cast in part.casts if cast.doubtful]
    if not risky:
        return dict.fromkeys((cast.column.name for cast in part.casts), 0)
    selected = ", ".join(f"count(*) FILTER ({cast.doubtful})" for cast in risky)
    found = _row(connection, source, f"SELECT {selected} FROM {source.reader(part.files)}")
    none = dict.fromkeys((cast.column.name for cast in part.casts), 0)
    return none | {cast.column.name: int(count) for cast, count in zip(risky, found, strict=True)}


def _simplified(part: Part, doubtful: dict[str, int]) -> Part:
    """Return the part without casts of ids that need none."""
    casts = (
        replace(cast, expression=cast.text) if cast.text is not None and not doubtful[cast.column.name] else cast
        for cast in part.casts
    )
    return replace(part, casts=tuple(casts))


def _refuse_problems(
    connection: duckdb.DuckDBPyConnection, source: Source, part: Part, cast: Cast, days: PlausibleDays
) -> None:
    if cast.problem is None:
        return
    query = f"SELECT count({cast.problem}) FROM {source.reader(part.files)}"
    count = int(_row(connection, source, query)[0])
    if not count:
        return
    location, value, problem = _first(connection, source, part, f"({cast.problem}) IS NOT NULL", cast, cast.problem)
    column = cast.column
    # With its columns shifted, any column of such a table may hold an address.
    is_shown = source.table not in PERSONAL and (column.type != "id" or column.name in _NOT_PERSONAL)
    shown = f"'{value}'" if is_shown else "a value"
    more = f" {count:,} values of this column are wrong." if count > 1 else ""
    reason = _reason(str(problem), days)
    why = f" {reason[0].upper()}{reason[1:]}." if reason else ""
    raise ContractError(
        f"{location}: the column '{column.name}' holds {shown}; expected {EXPECTED[column.type]}.{why}{more}"
    )


def _reason(problem: str, days: PlausibleDays) -> str:
    """Return why the value does not fit, as the end of a sentence; empty if the expected type explains it."""
    reasons: dict[str, str] = {
        **{str(problem): words for problem, words in ids.PROBLEMS.items()},
        "another type": "",
        "bytes": "these are bytes, not UTF-8 text (a UUID in 16 bytes?); write the column as text",
        "a fraction": "it is a number with a fraction",
        "inexact": (
            "a float as large as this no longer holds every whole number, so the id may be another one; "
            "write the column as text or as whole numbers"
        ),
        "infinite": "it is not finite",
        "too large": f"it is beyond {MAX_NUMBER:,}, the largest number that Reach computes with",
        "too early": (
            f"it lies before {days.first}. Is the year written with two digits, or does the date stand for "
            "'unknown'? Correct it or leave the row out; if the day is right, set REACH_EARLIEST_DAY"
        ),
        "too late": (
            f"it lies after {days.last:%Y-%m-%d}, more than a year ahead. Does it stand for 'still open'? "
            "Correct it or leave the row out until it has happened"
        ),
    }
    return reasons[problem]


def _count_changes(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    parts: Sequence[Part],
    counts: Sequence[dict[str, int]],
    findings: Findings,
) -> None:
    """Count ids that are words for "missing", and ids that lose blanks or a decimal point."""
    table = source.table.name
    for position, column in enumerate(source.table.columns):
        if column.type != "id":
            continue
        words, blanks, points = _Changed(), _Changed(), _Changed()
        for part, doubtful in zip(parts, counts, strict=True):
            cast = part.casts[position]
            if not doubtful[column.name]:
                continue
            if cast.text is None:
                _add(connection, source, part, cast, f"isnan({quote_identifier(column.name)})", words)
                continue
            missing, trimmed = ids.missing_sql(cast.text), ids.trimmed_sql(cast.text)
            _add(connection, source, part, cast, f"({cast.text} <> '' AND {missing})", words)
            _add(connection, source, part, cast, f"(NOT {missing} AND {cast.text} <> {trimmed})", blanks)
            _add(connection, source, part, cast, f"(NOT {missing} AND {trimmed} <> {cast.expression})", points)
        findings.add(
            "ids_that_mean_missing",
            table,
            words.count,
            f"{table}: {_values(words.count)} of '{column.name}' {_are(words.count)} a word for 'missing' or not a "
            "number and counted as missing.",
            words.example,
        )
        findings.add(
            "ids_with_blanks",
            table,
            blanks.count,
            f"{table}: {_values(blanks.count)} of '{column.name}' lost blanks or invisible characters around the id, "
            "or were brought to Unicode's form NFC.",
            blanks.example,
        )
        findings.add(
            "ids_with_a_decimal_point",
            table,
            points.count,
            f"{table}: {_values(points.count)} of '{column.name}' are whole numbers with a decimal point, as in "
            "17850.0, and read as 17850.",
            points.example,
        )


def _add(
    connection: duckdb.DuckDBPyConnection, source: Source, part: Part, cast: Cast, condition: str, changed: _Changed
) -> None:
    query = f"SELECT count(*) FILTER ({condition}) FROM {source.reader(part.files)}"
    count = int(_row(connection, source, query)[0])
    if count and not changed.count:
        location, value, means_missing = _first(
            connection, source, part, condition, cast, f"({cast.expression}) IS NULL"
        )
        shown = means_missing or cast.column.name in _NOT_PERSONAL
        changed.example = f"{location}{f', {value!r}' if shown else ''}"
    changed.count += count


def _count_anonymous(
    connection: duckdb.DuckDBPyConnection, source: Source, parts: Sequence[Part], findings: Findings
) -> None:
    """Count the transaction lines without a customer."""
    if source.table is not TRANSACTIONS:
        return
    position = next(i for i, column in enumerate(TRANSACTIONS.columns) if column.name == "customer_id")
    anonymous = rows = 0
    for part in parts:
        expression = part.casts[position].expression
        query = f"SELECT count(*), count(*) FILTER (({expression}) IS NULL) FROM {source.reader(part.files)}"
        found = _row(connection, source, query)
        rows, anonymous = rows + int(found[0]), anonymous + int(found[1])
    findings.add(
        "lines_without_customer",
        source.table.name,
        anonymous,
        f"transactions: {anonymous:,} of {rows:,} lines have no customer. They count for products and prices, "
        "and for no customer.",
    )


def _first(
    connection: duckdb.DuckDBPyConnection, source: Source, part: Part, condition: str, cast: Cast, also: str
) -> tuple[str, str, object]:
    """Return the first row that meets the condition: its location, its value as text, and another expression's value.

    Search file by file, because a row's number is counted within its file.
    """
    for file in part.files:
        found = connection.execute(
            f"SELECT row, left(value, {_SHOWN}), also FROM (SELECT row_number() OVER () AS row, "
            f"CAST({quote_identifier(cast.column.name)} AS VARCHAR) AS value, ({condition}) AS hit, ({also}) AS also "
            f"FROM {source.reader((file,))}) WHERE hit LIMIT 1"
        ).fetchone()
        if found is not None:
            return f"{source.name_of(file)} in {source.root}, row {found[0]}", str(found[1]), found[2]
    return source.label, "", None


def _row(connection: duckdb.DuckDBPyConnection, source: Source, query: str) -> tuple[int, ...]:
    try:
        return connection.execute(query).fetchone() or ()
    except duckdb.Error as error:
        raise unreadable(source, error) from error


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
