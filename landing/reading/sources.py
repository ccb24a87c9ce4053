"""Read the files of one landing table through DuckDB, with their own columns and types."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from core.duckdb_engine import quote_identifier, quote_literal
from core.files.hashes import FileHashes
from landing.contract import Table
from landing.errors import SourceError
from landing.reading.csv_file import FirstLineError, Layout, read_layout
from landing.reading.unreadable import first_line_refused, why_unreadable

PARQUET = ".parquet"


@dataclass(frozen=True)
class Source:
    """The files of one table: one file, or all files in a folder of the table's name.

    Attributes:
        table: The landing table.
        files: Files that are not empty.
        root: The landing's folder.
        empty: Names of files without a single byte or with blank lines only.
        aside: Names of files in the table's folder that are not meant to be read, such as Spark's `_SUCCESS`.
    """

    table: Table
    files: tuple[Path, ...]
    root: Path
    empty: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    _layouts: dict[Path, Layout] = field(default_factory=dict, compare=False, repr=False)

    @property
    def label(self) -> str:
        """The name in messages: the file, or the folder if there are several files."""
        if not self.files:
            return self.empty[0] if len(self.empty) == 1 else f"{self.table.name}/"
        if len(self.files) == 1:
            return self.name_of(self.files[0])
        endings = {file.suffix for file in self.files}
        return f"{self.name_of(self.files[0].parent)}/*{endings.pop() if len(endings) == 1 else ''}"

    def name_of(self, file: Path) -> str:
        """Return the file's path below the landing."""
        return str(file.relative_to(self.root))

    def fingerprint(self, hashes: FileHashes) -> list[tuple[str, int, str]]:
        """Return name, size in bytes and SHA-256 of every file, which a repeated admission compares."""
        files = (*self.files, *(self.root / file for file in self.empty))
        return [(self.name_of(file), file.stat().st_size, hashes.of(file)) for file in files]

    def is_csv(self, file: Path) -> bool:
        """Return whether the file is read as CSV."""
        return file.suffix.lower() != PARQUET

    def reader(self, files: tuple[Path, ...] | None = None) -> str:
        """Return a FROM expression for the files, united by column name, in their order.

        CSV values stay text, so that '00123' keeps its zeros.

        Raises:
            SourceError: The first line of a CSV file is not a header.
        """
        groups: list[tuple[Layout | None, list[Path]]] = []
        for file in self.files if files is None else files:
            layout = self.layout(file) if self.is_csv(file) else None
            if not groups or groups[-1][0] != layout:
                groups.append((layout, []))
            groups[-1][1].append(file)
        readers = [_read_parquet(group) if layout is None else _read_csv(layout, group) for layout, group in groups]
        if len(readers) == 1:
            return readers[0]
        return "(" + " UNION ALL BY NAME ".join(f"SELECT * FROM {reader}" for reader in readers) + ")"

    def layout(self, file: Path) -> Layout:
        """Return how to read a CSV file; the first line is read only once.

        Raises:
            SourceError: The first line is not a header.
        """
        if file not in self._layouts:
            found = self._read_layout(file)
            assert found is not None, "find_source leaves out empty files"
            self._layouts[file] = found
        return self._layouts[file]

    def columns(self, connection: duckdb.DuckDBPyConnection, files: tuple[Path, ...] | None = None) -> dict[str, str]:
        """Return the DuckDB type of each column.

        Raises:
            SourceError: A file cannot be read.
        """
        if files is not None and len(files) == 1 and self.is_csv(files[0]):
            return dict.fromkeys(self.layout(files[0]).header, "VARCHAR")
        try:
            rows = connection.execute(f"DESCRIBE SELECT * FROM {self.reader(files)}").fetchall()
        except duckdb.Error as error:
            raise unreadable(self, error) from error
        return {str(row[0]): str(row[1]) for row in rows}

    def without_empty_files(self) -> "Source":
        """Return the same source with empty files moved to `empty`.

        Raises:
            SourceError: A file cannot be read.
        """
        layouts = {file: self._read_layout(file) if self.is_csv(file) else None for file in self.files}
        empty = [
            file
            for file, layout in layouts.items()
            if (layout is None if self.is_csv(file) else file.stat().st_size == 0)
        ]
        return Source(
            self.table,
            tuple(file for file in self.files if file not in empty),
            self.root,
            empty=tuple(self.name_of(file) for file in empty),
            aside=self.aside,
            _layouts={file: layout for file, layout in layouts.items() if layout is not None},
        )

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(column.name for column in self.table.columns)

    def _read_layout(self, file: Path) -> Layout | None:
        try:
            return read_layout(file, self._known)
        except FirstLineError as error:
            raise SourceError(first_line_refused(self.table, self.root, file, str(error))) from error
        except (OSError, EOFError) as error:
            raise SourceError(why_unreadable(self.table, self.root, file, None, error)) from error


def unreadable(source: Source, error: duckdb.Error) -> SourceError:
    """Return the error with its cause: the file, the line, its content and the next step."""
    text = str(error)
    named = [file for file in source.files if str(file) in text]
    if not named and len(source.files) > 1:
        named = [file for file in source.files if _breaks(source, file)]
    file = named[0] if named else source.files[0]
    layout = source.layout(file) if source.is_csv(file) else None
    return SourceError(why_unreadable(source.table, source.root, file, layout, error))


def _breaks(source: Source, file: Path) -> bool:
    with duckdb.connect() as connection:
        try:
            connection.execute(f"SELECT * FROM {source.reader((file,))}").fetchone()
        except duckdb.Error:
            return True
    return False


def _read_parquet(files: list[Path]) -> str:
    return f"read_parquet({_list(files)}, union_by_name = true, hive_partitioning = false)"


def _read_csv(layout: Layout, files: list[Path]) -> str:
    """Return a reader with every option, because DuckDB's own detection skips lines that do not look like the rest."""
    columns = ", ".join(f"{quote_literal(column)}: 'VARCHAR'" for column in layout.header)
    reader = (
        f"read_csv({_list(files)}, auto_detect = false, header = true, skip = 0, columns = {{{columns}}}, "
        f"delim = {quote_literal(layout.delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"compression = '{'gzip' if layout.packed else 'none'}', hive_partitioning = false)"
    )
    if len(layout.header) > 1:
        return reader
    # DuckDB skips blank lines, except if the file has a single column.
    return f"(SELECT * FROM {reader} WHERE {quote_identifier(layout.header[0])} IS NOT NULL)"


def _list(files: list[Path]) -> str:
    return "[" + ", ".join(quote_literal(file) for file in files) + "]"
