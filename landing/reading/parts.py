"""Check each file of a table by itself: its rows, its columns, and whether it holds several exports."""

import difflib
import zlib
from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, quote_literal
from landing.errors import SourceError
from landing.findings import Findings
from landing.reading.csv_file import BYTE_ORDER_MARK, line_of_header, line_of_nul
from landing.reading.sources import Source, unreadable
from landing.reading.unreadable import second_header, why_unreadable


def rows_in(connection: duckdb.DuckDBPyConnection, source: Source, file: Path) -> int:
    """Count the file's rows.

    Raises:
        SourceError: A row is a second header, or the file is not text.
    """
    headers = "0"
    if source.is_csv(file):
        layout = source.layout(file)
        names = [mark + column for column in source.table.required_columns for mark in ("", BYTE_ORDER_MARK)]
        listed = ", ".join(quote_literal(value) for value in names)
        repeats = " OR ".join(f"lower({quote_identifier(column)}) IN ({listed})" for column in layout.header)
        headers = f"count(*) FILTER ({repeats})"
        try:
            nul = line_of_nul(file)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(why_unreadable(source.table, source.root, file, layout, error)) from error
        if nul is not None:
            raise SourceError(why_unreadable(source.table, source.root, file, layout, ValueError("NUL")))
    try:
        found = connection.execute(f"SELECT count(*), {headers} FROM {source.reader((file,))}").fetchone()
    except duckdb.Error as error:
        raise unreadable(source, error) from error
    rows, repeated = found or (0, 0)
    if repeated:
        required = frozenset(source.table.required_columns)
        line = line_of_header(file, source.layout(file).delimiter, required, after=1)
        raise SourceError(second_header(source.table, source.root, file, line or 0))
    return int(rows)


def count_empty(source: Source, without_rows: list[Path], findings: Findings) -> None:
    """Count the files without a row.

    Raises:
        SourceError: A required table has no row at all.
    """
    empty = [*source.empty, *(source.name_of(file) for file in without_rows)]
    table = source.table
    if len(without_rows) == len(source.files) and table.required:
        expected = table.description.rstrip(".")
        raise SourceError(
            f"{empty[0] if len(empty) == 1 else source.label} in {source.root} is empty; "
            f"expected: {expected[0].lower()}{expected[1:]}."
        )
    if len(without_rows) == len(source.files):
        what = f"{table.name}: the table is there but holds no row; it counts as empty."
        findings.add("empty_table", table.name, max(len(empty), 1), what, empty[0] if empty else f"{table.name}/")
    else:
        what = f"{table.name}: {_files(len(empty))} without a row."
        findings.add("empty_file", table.name, len(empty), what, empty[0] if empty else None)


def count_partial(
    connection: duckdb.DuckDBPyConnection, source: Source, found: dict[str, str], findings: Findings
) -> None:
    """Count the optional columns that only some of the files have; their values are missing in the others."""
    if len(source.files) == 1:
        return
    here = {file: source.columns(connection, (file,)) for file in source.files}
    for column in source.table.columns:
        lacking = [file for file in source.files if column.name not in here[file]]
        if column.name in found and lacking:
            findings.add(
                "column_in_some_files",
                source.table.name,
                len(lacking),
                f"{source.table.name}: the column '{column.name}' is absent in {len(lacking)} of "
                f"{_files(len(source.files))}; its values are missing there.",
                source.name_of(lacking[0]),
            )


def count_ignored(source: Source, found: dict[str, str], findings: Findings) -> None:
    """Count the columns that the contract does not have, and name the absent column that was probably meant."""
    names = [column.name for column in source.table.columns]
    ignored = [column for column in found if column not in names]
    absent = {column: column for column in names if column not in found}
    meant = {column: difflib.get_close_matches(column.lower(), absent, n=1, cutoff=0.8) for column in ignored}
    hints = "".join(f" Is '{column}' meant as '{close[0]}'? Rename it." for column, close in meant.items() if close)
    findings.add(
        "ignored_column",
        source.table.name,
        len(ignored),
        f"{source.table.name}: columns not in the contract are ignored: {', '.join(ignored)}.{hints}",
    )


def count_set_aside(source: Source, findings: Findings) -> None:
    """Count the files of the table's folder that are not meant to be read, such as Spark's `_SUCCESS`."""
    findings.add(
        "file_set_aside",
        source.table.name,
        len(source.aside),
        f"{source.table.name}: {_files(len(source.aside))} in the table's folder set aside, not read.",
        source.aside[0] if source.aside else None,
    )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
