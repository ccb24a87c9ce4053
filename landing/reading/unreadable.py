"""Find out why a landing file cannot be read: the line, its content, and the next step.

Only files that DuckDB has refused come here, so reading their lines slowly in Python is acceptable.
"""

import re
import zlib
from pathlib import Path

from landing.contract import Table
from landing.reading.csv_file import (
    Layout,
    QuoteError,
    is_utf16,
    line_of_header,
    line_of_nul,
    open_bytes,
    rows_with_lines,
)

_PERSONAL = (
    *("customers", "transactions", "events", "decisions", "campaigns", "redemptions"),
    *("consents", "contacts", "bounces"),
)


def why_unreadable(table: Table, root: Path, file: Path, layout: Layout | None, error: Exception) -> str:
    """Return sentences for people: file, line, cause and next step.

    Args:
        table: The landing table.
        root: The landing's folder.
        file: The file that cannot be read.
        layout: The way the CSV file is read; None for Parquet, or if it is unknown.
        error: The error of DuckDB or of the disk.
    """
    shown = f"{file.relative_to(root)} in {root}"
    try:
        with file.open("rb"):
            pass
        if file.suffix.lower() == ".parquet":
            return f"{shown} cannot be read as Parquet{_parquet_cause(file, error)}"
        cause = _csv_cause(table, file, layout)
    except FileNotFoundError:
        return f"{shown} is no longer there: it was removed while it was read. Run again when the delivery is complete."
    except (EOFError, zlib.error):
        return f"{shown} ends in the middle of its compressed data. Was the file copied whole? Copy it again."
    except OSError as refused:
        if file.suffix.lower() == ".gz" and refused.strerror is None:
            return (
                f"{shown} cannot be unpacked ({refused}). Pack it with gzip again, or name it .csv if it is not packed."
            )
        return f"{shown} cannot be read: {refused.strerror or refused}. Give Reach the permission to read it."
    return f"{shown}{cause or ' cannot be read as CSV: ' + _first_lines(error)}"


def first_line_refused(table: Table, root: Path, file: Path, what: str) -> str:
    """Return why the first line is not the table's header, and which line seems to be the header."""
    shown = f"{file.relative_to(root)} in {root}"
    if is_utf16(file):
        return f"{shown}{_UTF16}"
    required = frozenset(table.required_columns)
    expected = ", ".join(table.required_columns)
    later = None
    for delimiter in ",;\t|":
        later = later or line_of_header(file, delimiter, required, after=1)
    advice = (
        f"The column names seem to stand in line {later}: remove the {_lines(later - 1)} above it."
        if later
        else "Write the column names into the first line, spelled like this."
    )
    return f"{shown}: line 1 {what}; it must hold the column names, at least {expected}. {advice}"


def second_header(table: Table, root: Path, file: Path, line: int) -> str:
    """Return the message for a file that holds more than one export."""
    return f"{file.relative_to(root)} in {root}{_several_exports(table, line)}"


_UTF16 = (
    " is encoded in UTF-16, which Excel calls 'Unicode text'. Save it as 'CSV UTF-8', or convert it: "
    "iconv -f UTF-16 -t UTF-8 OLD > NEW."
)


def _csv_cause(table: Table, file: Path, layout: Layout | None) -> str | None:
    if is_utf16(file):
        return _UTF16
    if line := line_of_nul(file):
        return (
            f": line {line} holds a NUL byte, which text never has. Was the file copied whole, and is it text? "
            "Export it again."
        )
    return _wrong_encoding(table, file, layout) or _wrong_rows(table, file, layout) or _mixed_line_ends(file)


def _wrong_encoding(table: Table, file: Path, layout: Layout | None) -> str | None:
    with open_bytes(file) as content:
        for number, line in enumerate(content, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return _encoding(table, layout, number, line, error)
    return None


def _encoding(table: Table, layout: Layout | None, number: int, line: bytes, error: UnicodeDecodeError) -> str:
    guess = "Windows-1252" if any(0x80 <= byte <= 0x9F for byte in line) else "Latin-1 (ISO-8859-1)"
    codec = "WINDOWS-1252" if guess == "Windows-1252" else "ISO-8859-1"
    text = line.decode(codec, "replace")
    where, value = "", ""
    if layout is not None:
        field = text[: error.start].count(layout.delimiter)
        if field < len(layout.header):
            where = f" in the column '{layout.header[field]}'"
            if table.name not in _PERSONAL:
                value = f", probably '{text.split(layout.delimiter)[field].strip()}'"
    return (
        f" is not UTF-8: line {number}{where} holds the byte 0x{line[error.start]:02X}{value}. "
        f"It looks like {guess}. Save the file as UTF-8, or convert it: iconv -f {codec} -t UTF-8 OLD > NEW."
    )


def _wrong_rows(table: Table, file: Path, layout: Layout | None) -> str | None:
    """Return the message for the first row with a wrong number of fields or an unclosed quote; None if all fit."""
    if layout is None:
        return None
    width, required = len(layout.header), set(table.required_columns)
    try:
        for begins, row in rows_with_lines(file, layout.delimiter):
            if len(row) != width and not (len(row) == width + 1 and row[-1] == ""):
                if required.issubset(field.strip() for field in row):
                    return _several_exports(table, begins)
                more = f"has {_fields(len(row))}, but line 1 names {width} columns"
                return (
                    f": line {begins} {more}. Is a value with a delimiter without its quotes, or was the file not "
                    "copied whole? Correct the line, or export the file again."
                )
    except QuoteError as error:
        return (
            f": the row that begins in line {error.line} has a quote that does not fit. A quote inside a quoted value "
            'is written twice (""), and every opened quote is closed. Correct the line, or export the file again.'
        )
    return None


def _several_exports(table: Table, line: int) -> str:
    return (
        f": line {line} holds column names again, so the file is several exports in one. "
        f"Split it before line {line} and put the parts into a folder {table.name}/."
    )


def _mixed_line_ends(file: Path) -> str | None:
    first: bytes | None = None
    with open_bytes(file) as content:
        for number, line in enumerate(content, 1):
            end = b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else None
            first = first or end
            if end not in (first, None):
                return (
                    f": line {number} ends in another way than line 1 (Windows' and Unix' line ends are mixed). "
                    "Save the file with one kind, such as by dos2unix."
                )
    return None


def _parquet_cause(file: Path, error: Exception) -> str:
    with file.open("rb") as content:
        begin = content.read(4)
        content.seek(max(file.stat().st_size - 4, 0))
        end = content.read(4)
    if begin != b"PAR1":
        return ": it does not begin as a Parquet file does. Is it another format? Rename it or export it again."
    if end != b"PAR1":
        return ": its end is missing. Was the file copied whole? Copy it again."
    return f": it is damaged ({_first_lines(error)}). Was the file copied whole? Copy or export it again."


def _first_lines(error: Exception) -> str:
    """Return DuckDB's message without its advice, its options and the values it cites, which may be personal."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines[:3] if not re.match(r"Original Line|Possible|file =|\*", line)]
    return " ".join(kept) or type(error).__name__


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _lines(count: int) -> str:
    return "line" if count == 1 else f"{count} lines"
