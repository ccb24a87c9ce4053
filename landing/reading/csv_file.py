"""Read the beginning of a CSV file: its compression, its delimiter, and the names in its first line.

Reach passes them to DuckDB, because DuckDB's own detection skips lines that do not look like the rest.
"""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

DELIMITERS = ",;\t|"
LONGEST_FIELD = 1 << 24
"""Limit on the characters of a field while looking for a row's line; Python's own limit is 131,072."""
BYTE_ORDER_MARK = "\ufeff"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Layout(NamedTuple):
    """The way to read one file; `header` holds one name per field, unique regardless of case."""

    packed: bool
    delimiter: str
    header: tuple[str, ...]


class FirstLineError(Exception):
    """The first line cannot be a header; the message is a predicate, such as 'is blank'."""


class QuoteError(Exception):
    """A quote is not closed, or stands inside a quoted value; the row begins at `line`."""

    def __init__(self, line: int):
        super().__init__(f"line {line}")
        self.line = line


def is_packed(file: Path) -> bool:
    """Return whether the file is compressed with gzip."""
    return file.suffix.lower() == ".gz"


@contextmanager
def open_bytes(file: Path) -> Iterator[IO[bytes]]:
    """Open the unpacked content. Reading may raise OSError or EOFError if a .gz is damaged."""
    if is_packed(file):
        with gzip.open(file) as unpacked:
            yield cast(IO[bytes], unpacked)
    else:
        with file.open("rb") as plain:
            yield plain


@contextmanager
def open_text(file: Path) -> Iterator[IO[str]]:
    """Open the unpacked content as text, line ends unchanged; bytes that are not UTF-8 are replaced."""
    with open_bytes(file) as content, io.TextIOWrapper(content, "utf-8-sig", "replace", newline="") as text:
        yield text


def is_utf16(file: Path) -> bool:
    """Return whether the file begins with UTF-16's byte order mark."""
    with open_bytes(file) as content:
        return content.read(2) in _UTF16


def read_layout(file: Path, known: frozenset[str]) -> Layout | None:
    """Read the first line; None if the file holds nothing but blank lines.

    Args:
        file: The CSV file.
        known: The columns of the file's table.

    Raises:
        FirstLineError: The first line holds none of these columns, one of them twice, or is blank above other lines.
        OSError: The file cannot be opened.
        EOFError: The file cannot be unpacked to its end.
    """
    with open_text(file) as text:
        first = text.readline()
        if not first.strip():
            if any(line.strip() for line in text):
                raise FirstLineError("is blank")
            return None
        delimiter = max(DELIMITERS, key=first.count)
        text.seek(0)
        names = [name.strip() for name in next(csv.reader(text, delimiter=delimiter))]
    if not known.intersection(names):
        raise FirstLineError("holds none of the table's columns")
    twice = sorted({name for name in names if name in known and names.count(name) > 1})
    if twice:
        raise FirstLineError(f"names the column '{twice[0]}' {names.count(twice[0])} times")
    return Layout(is_packed(file), delimiter, _unique(names, known))


def rows_with_lines(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the file's rows, each with the line on which it begins.

    Raises:
        QuoteError: A quote is not closed, or stands inside a quoted value.
    """
    before = csv.field_size_limit(LONGEST_FIELD)
    with open_text(file) as text:
        reader, begins = csv.reader(text, delimiter=delimiter, strict=True), 1
        try:
            for row in reader:
                if row:
                    yield begins, row
                begins = reader.line_num + 1
        except csv.Error as error:
            raise QuoteError(begins) from error
        finally:
            csv.field_size_limit(before)


def line_of_header(file: Path, delimiter: str, names: frozenset[str], after: int = 0) -> int | None:
    """Return the first line after `after` with a field that is one of the names, in any case; None without one."""
    with open_text(file) as text:
        for number, line in enumerate(text, 1):
            fields = {field.strip(f' "{BYTE_ORDER_MARK}\r\n').lower() for field in line.split(delimiter)}
            if number > after and names & fields:
                return number
    return None


def line_of_nul(file: Path) -> int | None:
    """Return the line of the first NUL byte, or None; reads the file in large pieces."""
    lines = 1
    with open_bytes(file) as content:
        while piece := content.read(1 << 20):
            at = piece.find(b"\0")
            if at >= 0:
                return lines + piece.count(b"\n", 0, at)
            lines += piece.count(b"\n")
    return None


def _unique(names: list[str], known: frozenset[str]) -> tuple[str, ...]:
    """Give blank and repeated names a number; a column of the contract keeps its name."""
    taken = {name.lower() for name in names if name in known}
    result = []
    for position, name in enumerate(names, 1):
        chosen = name
        if name not in known:
            chosen, number = name or f"column{position}", 1
            while chosen.lower() in taken:
                number += 1
                chosen = f"{name or f'column{position}'}_{number}"
            taken.add(chosen.lower())
        result.append(chosen)
    return tuple(result)
