"""Finds the files of a landing table and reads them through DuckDB, as they are."""

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from landing.contract import Table
from landing.engine import literal
from landing.errors import SourceError

FORMATS = ("parquet", "csv")


@dataclass(frozen=True)
class Source:
    """The files of one table: one file, or all files of one format in a folder of the table's name."""

    table: Table
    format: str
    files: tuple[Path, ...]
    root: Path

    @property
    def label(self) -> str:
        """How messages name it: the file, or the folder if there are several."""
        return self.name_of(self.files[0]) if len(self.files) == 1 else f"{self.table.name}/*.{self.format}"

    def name_of(self, file: Path) -> str:
        return str(file.relative_to(self.root))

    @property
    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Name, size in bytes and modification time of every file: what a repeated admission compares."""
        return [(self.name_of(f), f.stat().st_size, f.stat().st_mtime_ns) for f in self.files]

    def reader(self, files: tuple[Path, ...] | None = None) -> str:
        """A FROM expression for the files; CSV values stay text, so that '00123' keeps its zeros."""
        names = "[" + ", ".join(literal(file) for file in files or self.files) + "]"
        if self.format == "parquet":
            return f"read_parquet({names}, union_by_name = true, hive_partitioning = false, binary_as_string = true)"
        return (
            f"read_csv({names}, header = true, delim = {literal(self._delimiter)}, all_varchar = true, "
            "union_by_name = true, hive_partitioning = false, quote = '\"', escape = '\"')"
        )

    @cached_property
    def _delimiter(self) -> str:
        """What separates the names of the first file's header; not guessed from rows, for they may be broken."""
        with self.files[0].open(encoding="utf-8", errors="replace") as file:
            header = file.readline()
        return max(",;\t|", key=header.count)

    def columns(self, connection: duckdb.DuckDBPyConnection, files: tuple[Path, ...] | None = None) -> dict[str, str]:
        """Column name -> DuckDB type; raises SourceError if a file cannot be read."""
        try:
            rows = connection.execute(f"DESCRIBE SELECT * FROM {self.reader(files)}").fetchall()
        except duckdb.Error as error:
            raise unreadable(self, error) from error
        return {str(row[0]): str(row[1]) for row in rows}


def find_source(root: Path, table: Table) -> Source | None:
    """The table's files below `root`; None if it is optional and absent.

    Raises SourceError if a required table is absent, a file is empty, or there is more than one candidate.
    """
    found = [(form, [root / f"{table.name}.{form}"]) for form in FORMATS if (root / f"{table.name}.{form}").is_file()]
    folder = root / table.name
    if folder.is_dir():
        inside = [(form, sorted(folder.glob(f"*.{form}"))) for form in FORMATS]
        if not any(files for _, files in inside):
            raise SourceError(
                f"The folder {table.name}/ in {root} holds neither *.parquet nor *.csv files. "
                "Put the table's files in it, or remove it if there are none."
            )
        found += [(form, files) for form, files in inside if files]
    if not found:
        if table.required:
            raise SourceError(_absent(root, table))
        return None
    if len(found) > 1:
        names = ", ".join(sorted(_short(root, table, files) for _, files in found))
        raise SourceError(f"The table '{table.name}' is there more than once in {root}: {names}. Keep one of them.")
    form, files = found[0]
    source = Source(table, form, tuple(files), root)
    for file in source.files:
        if file.stat().st_size == 0:
            raise SourceError(empty(source, source.name_of(file)))
    return source


def empty(source: Source, label: str) -> str:
    """The message for a file without rows."""
    expected = source.table.description.rstrip(".")
    advice = "" if source.table.required else " The table is optional: leave the file out if you have none."
    return f"{label} in {source.root} is empty; expected: {expected[0].lower()}{expected[1:]}.{advice}"


def unreadable(source: Source, error: duckdb.Error) -> SourceError:
    reason = str(error).strip().splitlines()[0]
    return SourceError(
        f"{source.label} in {source.root} cannot be read as {source.format.upper()}: {reason} "
        "Was the file copied whole?"
    )


def _absent(root: Path, table: Table) -> str:
    names = sorted(path.name for path in root.iterdir() if not path.name.startswith((".", "_")))
    close = difflib.get_close_matches(table.name, [name.split(".")[0] for name in names], n=1)
    hint = f" Is it '{next(n for n in names if n.split('.')[0] == close[0])}'?" if close else ""
    return (
        f"The required table '{table.name}' is not in {root}: expected {table.name}.parquet, "
        f"{table.name}.csv, or a folder {table.name}/ with files of one kind; "
        f"found {', '.join(names) or 'nothing'}.{hint}"
    )


def _short(root: Path, table: Table, files: list[Path]) -> str:
    if len(files) == 1:
        return str(files[0].relative_to(root))
    return f"{table.name}/*{files[0].suffix}"
