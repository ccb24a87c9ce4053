"""Merge the older batches of feedback into one, because a collection every hour leaves 8,760 folders a year.

`<home>/batches/00000001-00000037/` appears by one rename. From then on, the batches in its name are no longer read, and
they are removed. A run that is killed before the rename has changed nothing. One that is killed after it leaves unread
folders, which the next run removes.
"""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.duckdb_engine import connect, quote_literal
from core.files.lock import exclusive_lock
from landing.contract import FEEDBACK, Table
from landing.errors import LandingError, SourceError, not_written
from landing.feedback.collector import (
    batch_folders,
    empty_staging,
    files_of,
    merged_away,
    position_of,
    publish,
    span_of,
)
from landing.reading.tables import MEMORY_LIMIT

logger = logging.getLogger(__name__)

MOST = 48
"""Folders of batches above which older ones are merged: two days of collections."""
NEWEST = 12
"""Newest folders that are never merged; the last one has the position, and `landed/inputs.json` records it."""


@dataclass(frozen=True)
class Compacted:
    """The numbers of one compaction."""

    merged: int
    """Folders that were merged into one."""
    freed_bytes: int
    """Bytes that were freed, also from folders that a killed run had merged but not removed."""


def compact(home: Path, most: int = MOST, newest: int = NEWEST, memory_limit: str = MEMORY_LIMIT) -> Compacted:
    """Merge all but the newest batches if there are more than `most`; rows keep their order.

    Raises:
        LandingError: A batch cannot be read, or the merged one cannot be written; then nothing is changed.
    """
    with exclusive_lock(home):
        freed = _remove(merged_away(home))
        if freed:
            logger.info(f"feedback: batches that an earlier run had merged were removed, {_mib(freed)} freed")
        folders = batch_folders(home)
        if len(folders) <= most:
            return Compacted(0, freed)
        old = folders[:-newest]
        target, rows = _merge(home, old, memory_limit)
        removed = _remove(old) - _size(target)
        counts = ", ".join(f"{count:,} rows of {table.name}" for table, count in rows.items())
        logger.info(
            f"feedback: {len(old)} folders of batches became {target.name} with {counts}; {_mib(removed)} freed"
        )
        return Compacted(len(old), freed + removed)


def _merge(home: Path, old: list[Path], memory_limit: str) -> tuple[Path, dict[Table, int]]:
    """Write the batches as one, and return its folder and its rows."""
    try:
        position = position_of(old[-1])
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"Batches are not merged: {old[-1]}/batch.json cannot be read ({error}).") from error
    target = home / "batches" / f"{span_of(old[0])[0]:08d}-{span_of(old[-1])[1]:08d}"
    staging = empty_staging(home)
    try:
        with connect(staging / "spill", memory_limit) as connection:
            connection.execute("SET threads = 1")  # leave the other cores to the service, and keep the rows in order
            rows = {
                table: _unite(connection, table, old, staging / f"{table.name}.parquet")
                for table in FEEDBACK
                if files_of(table, old)
            }
        shutil.rmtree(staging / "spill", ignore_errors=True)
        publish(staging, {"until": position} | {table.name: count for table, count in rows.items()}, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target, rows


def _unite(connection: duckdb.DuckDBPyConnection, table: Table, old: list[Path], target: Path) -> int:
    """Copy the table's rows of every batch in order, with the columns of all batches, and return their number."""
    files = files_of(table, old)
    expected = sum(_rows(file) for file in files)
    listed = ", ".join(quote_literal(file) for file in files)
    try:
        connection.execute(
            f"COPY (SELECT * FROM read_parquet([{listed}], union_by_name = true)) "
            f"TO {quote_literal(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
    except duckdb.Error as error:
        raise not_written(target, error) from error
    copied = int(pq.read_metadata(target).num_rows)
    if copied != expected:
        raise LandingError(f"Batches are not merged: they hold {expected:,} rows of {table.name}, {target} {copied:,}.")
    return copied


def _rows(file: Path) -> int:
    try:
        return int(pq.read_metadata(file).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"Batches are not merged: {file} cannot be read ({error}).") from error


def _remove(folders: list[Path]) -> int:
    """Remove the folders and return their size in bytes."""
    size = sum(_size(folder) for folder in folders)
    for folder in folders:
        shutil.rmtree(folder)
    return size


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
