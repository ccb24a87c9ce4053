"""Find the files of a landing; each file is read, set aside and counted, or refused by name.

A name that begins with '_' or '.' is set aside, as Spark, Hadoop and operating systems do.
"""

import difflib
import os
import re
import stat
from pathlib import Path

from landing.contract import FEEDBACK, TABLES, Table
from landing.errors import SourceError
from landing.reading.sources import PARQUET, Source
from settings import PATTERN_CHARACTERS

ENDINGS = (".parquet", ".csv", ".csv.gz")
"""Endings of files that are read, in upper or lower case."""

OWN_MARK = "_source.json"
"""Reach writes this file next to the demo's tables."""

_NAMES = {table.name: table for table in (*TABLES, *FEEDBACK)}
_CLOSE = 0.85  # customer ~ customers; product_images is far enough from products
_TEXT = {"tsv", "txt", "dat", "tab"}
_PACKED = {"gz", "zip", "bz2", "xz", "zst", "7z", "rar", "tar", "tgz", "snappy", "lz4", "lzo"}
_UNFINISHED = {"tmp", "part", "partial", "crdownload", "filepart", "inprogress"}
_OTHER_DATA = {
    *("xlsx", "xls", "xlsm", "ods", "json", "jsonl", "ndjson", "pq", "avro", "orc", "feather", "arrow"),
    *("bak", "old", "copy", "sas7bdat", "sav", "dta", "rds", "pkl", "pickle", "h5", "db", "sqlite", "duckdb", ""),
}
_FOREIGN = {
    "_delta_log": "a Delta table, whose files partly hold deleted rows: export it as plain Parquet",
    "_temporary": "an unfinished job of Spark: land the table again when the job has ended",
}


def find_source(root: Path, table: Table) -> Source | None:
    """Return the table's files below `root`; None if the table is optional and absent.

    Raises:
        SourceError: A required table is absent, there is more than one candidate, or a file in the table's folder can
            neither be read nor set aside.
    """
    try:
        candidates = [path for path in sorted(root.iterdir()) if _is_named(path, table)]
        if not candidates:
            if table.required:
                raise SourceError(_absent(root, table))
            return None
        if len(candidates) > 1:
            names = ", ".join(path.name + ("/" if path.is_dir() else "") for path in candidates)
            raise SourceError(f"The table '{table.name}' is there more than once in {root}: {names}. Keep one of them.")
        path = candidates[0]
        files, aside = _inside(root, path, table) if path.is_dir() else ([_usable(root, path)], [])
        return Source(table, tuple(files), root, aside=tuple(aside)).without_empty_files()
    except OSError as error:
        raise SourceError(_cannot_look(error, root)) from error


def strays(root: Path) -> list[str]:
    """Return the names of files and folders directly in the landing that belong to no table.

    Raises:
        SourceError: One looks like a table with another name or format.
    """
    try:
        others = [
            path
            for path in sorted(root.iterdir())
            if path.name != OWN_MARK and not any(_is_named(path, table) for table in _NAMES.values())
        ]
    except OSError as error:
        raise SourceError(_cannot_look(error, root)) from error
    for path in others:
        if advice := _looks_like_a_table(path):
            raise SourceError(
                f"{_shown(path, root)} in {root} is not read, but looks like a table: {advice}. "
                f"If it is not a table, name it _{path.name}."
            )
    return [_shown(path, root) + ("/" if path.is_dir() else "") for path in others]


def _is_named(path: Path, table: Table) -> bool:
    """Return whether the path is a file or folder with the table's name and an ending that is read."""
    stem, ending = _split(path.name)
    return stem == table.name and (ending in ENDINGS or (ending == "" and path.is_dir()))


def _split(name: str) -> tuple[str, str]:
    """Return a name without its ending, and the ending in lower case; .csv.gz is one ending."""
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)], ending
    stem, dot, ending = name.partition(".")
    return stem, f"{dot}{ending}".lower()


def _inside(root: Path, folder: Path, table: Table) -> tuple[list[Path], list[str]]:
    """Return the files of a table's folder, and the names of those set aside."""
    files, aside = [], []
    for path in sorted(folder.iterdir()):
        shown = _shown(path, root)
        if why := _FOREIGN.get(path.name):
            raise SourceError(f"{shown} in {root} belongs to {why}.")
        if path.name.startswith(("_", ".")):
            aside.append(shown)
        elif path.is_dir():
            if any(path.iterdir()):
                raise SourceError(
                    f"{shown} in {root} is a folder inside a table's folder, so its files would not be read. Move its "
                    f"files up into {folder.name}/, or set it aside by naming it _{path.name}."
                )
            aside.append(f"{shown}/")
        elif _split(path.name)[1] in ENDINGS:
            files.append(_usable(root, path))
        elif path.is_symlink() or _last_ending(path.name) in _TEXT | _PACKED | _UNFINISHED | _OTHER_DATA:
            _usable(root, path)
            raise SourceError(
                f"{shown} in {root} is not read: {_convert(path.name, 'it')}. "
                f"If it does not belong to the table '{table.name}', move it away or name it _{path.name}."
            )
        else:
            aside.append(shown)
    if not files and table.required:
        raise SourceError(
            f"The folder {folder.name}/ in {root} holds no file that ends in {', '.join(ENDINGS)}. "
            "Put the table's files in it."
        )
    return files, aside


def _shown(path: Path, root: Path) -> str:
    """Return the path below the landing as printable text, also if its name is not UTF-8."""
    return os.fsencode(path.relative_to(root)).decode(errors="backslashreplace")


def _is_utf8(name: str) -> bool:
    """Return whether the system could decode every byte of a name."""
    return not any("\udc80" <= character <= "\udcff" for character in name)


def _usable(root: Path, path: Path) -> Path:
    """Return the path; raise SourceError if it cannot be opened, or if DuckDB cannot read its name."""
    shown = f"{_shown(path, root)} in {root}"
    if not _is_utf8(path.name):
        raise SourceError(f"{shown}: the file's name is not UTF-8. Rename it with letters, digits, '-' and '_'.")
    if found := sorted(set(PATTERN_CHARACTERS) & set(path.name)):
        raise SourceError(
            f"{shown}: the name holds {' and '.join(found)}, which would be read as a pattern for other files. "
            "Rename it with letters, digits, '-' and '_'."
        )
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if path.is_symlink():
            target = path.readlink()
            raise SourceError(f"{shown} is a link to {target}, which is not there. Remove or repair it.") from error
        raise SourceError(f"{shown} cannot be looked at: {error.strerror}.") from error
    if not stat.S_ISREG(mode):
        raise SourceError(f"{shown} is neither a file nor a folder, but a pipe, socket or device. Remove it.")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{shown} cannot be read: permission denied. Give Reach the permission to read it.")
    return path


def _looks_like_a_table(path: Path) -> str | None:
    """Return the next step if the name is close to a table's and the ending is one of data; None otherwise."""
    if path.name.startswith(("_", ".", "~")):
        return None
    stem, ending = _split(path.name)
    last = _last_ending(path.name)
    if ending not in ENDINGS and not path.is_dir() and last not in _TEXT | _PACKED | _UNFINISHED | _OTHER_DATA:
        return None
    letters = re.sub(r"[^a-z]", "", stem.lower())
    close = difflib.get_close_matches(letters, _NAMES, n=1, cutoff=_CLOSE)
    if not close:
        return None
    table = close[0]
    if path.is_dir():
        return f"rename the folder to {table}/"
    if path.is_symlink() and not path.exists():
        return f"it is a link to {path.readlink()}, which is not there; remove or repair it"
    if ending in ENDINGS:
        return f"rename it to {table}{ending}, or put it into a folder {table}/ if the table has several files"
    return _convert(path.name, table)


def _convert(name: str, table: str) -> str:
    """Return how to turn a file of another format into one that is read."""
    last, named = _last_ending(name), "it" if table == "it" else f"it to {table}"
    if last in _UNFINISHED:
        return f"its ending .{last} means that it is incomplete; land the complete file"
    if last in _TEXT:
        return f"rename {named}{'.csv' if table != 'it' else ' so that it ends in .csv'} (tabs are understood)"
    if last in _PACKED:
        return "unpack it; only .csv.gz is read packed"
    if last == "pq":
        return f"rename {named}{PARQUET if table != 'it' else f' so that it ends in {PARQUET}'}"
    if last == "":
        return f"its name has no ending; add .csv or {PARQUET}"
    return "save it as CSV (UTF-8) or Parquet"


def _last_ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _absent(root: Path, table: Table) -> str:
    names = [path.name for path in sorted(root.iterdir()) if not path.name.startswith((".", "_"))]
    return (
        f"The required table '{table.name}' is not in {root}: expected {table.name}.parquet, "
        f"{table.name}.csv, {table.name}.csv.gz, or a folder {table.name}/ with such files; "
        f"found {', '.join(names) or 'nothing'}."
    )


def _cannot_look(error: OSError, root: Path) -> str:
    return f"{error.filename or root} cannot be looked at: {error.strerror}. Give Reach the permission to read it."
