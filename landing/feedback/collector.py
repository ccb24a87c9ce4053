"""Collect the entries of the event log in batches: one folder each, committed with its position by one rename.

`<home>/batches/00000001/` holds `events.parquet`, `decisions.parquet`, `exposures.parquet` and `batch.json`. A batch
begins where the one before it ended, so a collector that is killed and started again reads the same entries into the
same folder: nothing is lost or stored twice. `00000001-00000040/` holds those forty batches merged
(landing/feedback/compaction.py).
"""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.clock import utc_now
from core.files.atomic import empty_folder, remove_leftovers, replace_file, staging_path, sync
from core.files.lock import exclusive_lock
from events.errors import OffsetError
from events.event_log import EventLog, LogBatch
from landing.contract import DECISIONS, EVENTS, EXPOSURES, ColumnType, Table
from landing.errors import SourceError
from landing.feedback.quarantine import Entry, folder_of, set_aside_entries

logger = logging.getLogger(__name__)

LIMIT = 20_000
"""Approximate rows per batch, which are held in memory at once."""

_ARROW: dict[ColumnType, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
FACTS = "batch.json"
_COLLECTED_AT = "collected_at"
_NAME = re.compile(r"(\d{8,})(?:-(\d{8,}))?")


@dataclass(frozen=True)
class Collected:
    """The numbers of one collection."""

    batches: int
    events: int
    decisions: int
    set_aside: int
    """Entries that cannot be used; they are kept in `quarantine/` (landing/feedback/quarantine.py)."""


def collect(home: Path, event_log: EventLog, limit: int = LIMIT) -> Collected:
    """Write the entries of the event log after the last batch as new batches, and delete them from the event log.

    An entry that does not fit the contract goes to quarantine and does not stop the run.

    Args:
        home: The folder of feedback.
        event_log: The event log of the service.
        limit: Approximate rows per batch.

    Returns:
        The number of batches, events, decisions and unusable entries.

    Raises:
        SourceError: The last batch cannot be read.
        EventLogUnavailableError: The event log cannot be read now.
    """
    batches = events = decisions = set_aside = 0
    begun = utc_now()
    with exclusive_lock(home):
        remove_leftovers(home)
        (home / "batches").mkdir(exist_ok=True)
        number, position = _last(home)
        for page in _pages(event_log, position, limit):
            number += 1
            tables, unusable = _sorted(page)
            set_aside_entries(home, f"batch-{number:08d}", unusable)
            _write(home, number, page.position, tables)
            event_log.truncate_before(page.position)
            taken = {table: len(rows) for table, rows in tables.items()}
            batches, events, decisions = batches + 1, events + taken[EVENTS], decisions + taken[DECISIONS]
            set_aside += len(unusable)
            logger.info(f"batch {number}: {taken[EVENTS]:,} events, {taken[DECISIONS]:,} rows of decisions")
            if unusable:
                logger.info(
                    f"batch {number}: {len(unusable):,} entries cannot be used and went to "
                    f"{folder_of(home) / f'batch-{number:08d}.jsonl'}. The first: {unusable[0].reason}"
                )
        replace_file(home / _COLLECTED_AT, f"{begun.isoformat()}\n")
    return Collected(batches, events, decisions, set_aside)


def collected_at(home: Path) -> datetime | None:
    """Return the instant (naive UTC) before which all accepted events are in the batches; None before the first run."""
    try:
        return datetime.fromisoformat((home / _COLLECTED_AT).read_text().strip())
    except (OSError, ValueError):
        return None


def batch_files(home: Path, table: Table) -> tuple[Path, ...]:
    """Return the table's file of every batch, oldest first."""
    return files_of(table, batch_folders(home))


def files_of(table: Table, folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return the table's file in each folder of batches that was written when the contract had the table.

    A folder whose record cannot be read counts as having it, so that a missing file is an error.
    """
    return tuple(folder / f"{table.name}.parquet" for folder in folders if _holds(folder, table))


def _pages(event_log: EventLog, position: str | None, limit: int) -> Iterator[LogBatch]:
    while True:
        try:
            page = event_log.read_from(position, limit)
        except OffsetError:
            # The last batch came from another kind of event log, before a setting changed. Reading entries twice is
            # safe, because facts count an event once.
            logger.info("The last batch came from another event log, so this one is read from its beginning.")
            page = event_log.read_from(None, limit)
        if not page.events and not page.decisions and not page.exposures and not page.malformed:
            return
        yield page
        position = page.position


def batch_folders(home: Path) -> list[Path]:
    """Return the folders of batches, oldest first, without those that were merged into another one."""
    held: list[Path] = []
    until = 0
    for (_, last), folder in sorted(_spans(home).items(), key=lambda found: (found[0][0], -found[0][1])):
        if last > until:
            held.append(folder)
            until = last
    return held


def merged_away(home: Path) -> list[Path]:
    """Return the folders whose batches were merged into another one."""
    held = set(batch_folders(home))
    return [folder for folder in _spans(home).values() if folder not in held]


def span_of(folder: Path) -> tuple[int, int]:
    """Return the numbers of the first and the last batch in a folder.

    Raises:
        SourceError: The folder is not a batch.
    """
    found = _NAME.fullmatch(folder.name)
    if found is None:
        raise SourceError(
            f"{folder} is not a batch. Move it elsewhere, because Reach reads everything in {folder.parent}."
        )
    return int(found[1]), int(found[2] or found[1])


def position_of(folder: Path) -> str:
    """Return the position at which the next batch begins.

    Raises:
        OSError: The record cannot be read.
        ValueError: It is not valid JSON.
        KeyError: It has no position.
    """
    return str(json.loads((folder / FACTS).read_text())["until"])


def empty_staging(home: Path) -> Path:
    """Create the folder in which a batch is written; the caller holds the lock."""
    return empty_folder(staging_path(home / "batch"))


def publish(staging: Path, facts: dict[str, object], target: Path) -> None:
    """Turn the staged files into a batch in one step, after they are synced to disk."""
    (staging / FACTS).write_text(json.dumps(facts) + "\n")
    for path in (*staging.iterdir(), staging):
        sync(path)
    staging.rename(target)
    sync(target.parent)


def _holds(folder: Path, table: Table) -> bool:
    if (folder / f"{table.name}.parquet").exists():
        return True
    try:
        return table.name in json.loads((folder / FACTS).read_text())
    except (OSError, ValueError):
        return True


def _spans(home: Path) -> dict[tuple[int, int], Path]:
    return {span_of(folder): folder for folder in (home / "batches").glob("[0-9]*") if folder.is_dir()}


def _last(home: Path) -> tuple[int, str | None]:
    """Return number and position of the last batch; 0 and None before the first one."""
    folders = batch_folders(home)
    if not folders:
        return 0, None
    try:
        return span_of(folders[-1])[1], position_of(folders[-1])
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(
            f"{folders[-1] / FACTS} cannot be read ({error}), so the start of the next batch is unknown. "
            f"Remove the folder {folders[-1]}: its entries are collected again as long as the event log has them."
        ) from error


def _write(home: Path, number: int, position: str, tables: dict[Table, pa.Table]) -> None:
    """Publish a batch, after which the event log may delete its entries."""
    staging = empty_staging(home)
    for table, rows in tables.items():
        pq.write_table(rows, staging / f"{table.name}.parquet", compression="zstd")
    facts: dict[str, object] = {"until": position} | {table.name: len(rows) for table, rows in tables.items()}
    publish(staging, facts, home / "batches" / f"{number:08d}")


def _sorted(page: LogBatch) -> tuple[dict[Table, pa.Table], list[Entry]]:
    """Return the page's rows in the contract's types, and the entries that do not fit them."""
    unusable = [Entry(*broken) for broken in page.malformed]
    tables = {}
    for table, rows in ((EVENTS, page.events), (DECISIONS, page.decisions), (EXPOSURES, page.exposures)):
        try:
            tables[table] = _arrow(table, rows)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            fitting = []
            for row in rows:
                reason = _misfit(table, row)
                if reason is None:
                    fitting.append(row)
                else:
                    unusable.append(Entry(table.name, json.dumps(row, default=str), reason))
            tables[table] = _arrow(table, fitting)
    return tables, unusable


def _misfit(table: Table, row: dict[str, Any]) -> str | None:
    """Return why a row does not fit the contract's types; None if it does."""
    for column in table.columns:
        try:
            pa.array([row.get(column.name)], _ARROW[column.type])
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return f"{column.name} does not fit the type {column.type}."
    return None


def _arrow(table: Table, rows: Sequence[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([(column.name, _ARROW[column.type]) for column in table.columns])
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)
