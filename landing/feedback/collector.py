"""Takes over what the event log holds: each batch one folder, its entries and its position committed by one rename.

`<home>/batches/00000001/` holds `events.parquet`, `decisions.parquet` and `batch.json`. A batch begins where the one
before it ended, so a collector that is killed and started again reads the same entries into the same folder: nothing
is lost, nothing is there twice. `00000001-00000040/` holds those forty as one (landing/feedback/compaction.py).
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.atomic_files import empty_folder, remove_leftovers, replace_file, staging_path, sync
from core.clock import utc_now
from core.exclusive_lock import exclusive_lock
from events.errors import OffsetError
from events.event_log import EventLog, LogBatch
from landing.contract import DECISIONS, EVENTS, ColumnType, Table
from landing.errors import SourceError
from landing.feedback.quarantine import Entry, folder_of, set_aside_entries

LIMIT = 20_000
"""Rows a batch, about: what is held in memory at once."""

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
    """What one run took over."""

    batches: int
    events: int
    decisions: int
    set_aside: int
    """Entries that cannot be used; they are in `quarantine/` (landing/feedback/quarantine.py)."""


def collect(home: Path, event_log: EventLog, say: Callable[[str], None], limit: int = LIMIT) -> Collected:
    """Write everything the event log holds after the last batch as new batches, and let the event log forget it.

    Returns how much that was. An entry that does not fit the contract goes to quarantine and stops nothing. Raises
    SourceError if the last batch cannot be read, live's EventLogUnavailableError if the event log cannot be read now.
    """
    batches = events = decisions = set_aside = 0
    begun = utc_now()
    with exclusive_lock(home):
        remove_leftovers(home)
        (home / "batches").mkdir(exist_ok=True)
        number, position = _last(home)
        for page in _pages(event_log, position, limit, say):
            number += 1
            tables, unusable = _sorted(page)
            set_aside_entries(home, f"batch-{number:08d}", unusable)
            _write(home, number, page.position, tables)
            event_log.truncate_before(page.position)
            taken = {table: len(rows) for table, rows in tables.items()}
            batches, events, decisions = batches + 1, events + taken[EVENTS], decisions + taken[DECISIONS]
            set_aside += len(unusable)
            say(f"batch {number}: {taken[EVENTS]:,} events, {taken[DECISIONS]:,} rows of decisions")
            if unusable:
                say(
                    f"batch {number}: {len(unusable):,} entries cannot be used and went to "
                    f"{folder_of(home) / f'batch-{number:08d}.jsonl'}. The first: {unusable[0].reason}"
                )
        replace_file(home / _COLLECTED_AT, f"{begun.isoformat()}\n")
    return Collected(batches, events, decisions, set_aside)


def collected_at(home: Path) -> datetime | None:
    """All that the service had accepted before this instant (naive UTC) is in the batches; None if never collected."""
    try:
        return datetime.fromisoformat((home / _COLLECTED_AT).read_text().strip())
    except (OSError, ValueError):
        return None


def batch_files(home: Path, table: Table) -> tuple[Path, ...]:
    """The table's file of every batch, oldest first."""
    return tuple(folder / f"{table.name}.parquet" for folder in batch_folders(home))


def _pages(event_log: EventLog, position: str | None, limit: int, say: Callable[[str], None]) -> Iterator[LogBatch]:
    while True:
        try:
            page = event_log.read_from(position, limit)
        except OffsetError:
            # The last batch came from another kind of event log, before a setting changed. Reading entries twice is
            # safe, because facts count an event once.
            say("The last batch came from another event log, so this one is read from its beginning.")
            page = event_log.read_from(None, limit)
        if not page.events and not page.decisions and not page.malformed:
            return
        yield page
        position = page.position


def batch_folders(home: Path) -> list[Path]:
    """The folders that hold the batches, oldest first; none whose batches a merged one holds."""
    held: list[Path] = []
    until = 0
    for (_, last), folder in sorted(_spans(home).items(), key=lambda found: (found[0][0], -found[0][1])):
        if last > until:
            held.append(folder)
            until = last
    return held


def merged_away(home: Path) -> list[Path]:
    """The folders whose batches a merged one holds."""
    held = set(batch_folders(home))
    return [folder for folder in _spans(home).values() if folder not in held]


def span_of(folder: Path) -> tuple[int, int]:
    """Number of the first and of the last batch a folder holds. Raises SourceError if it is no batch."""
    found = _NAME.fullmatch(folder.name)
    if found is None:
        raise SourceError(f"{folder} is no batch. Move it to another place: Reach reads all that lies there.")
    return int(found[1]), int(found[2] or found[1])


def position_of(folder: Path) -> str:
    """Where the batch after this one begins. Raises OSError, ValueError or KeyError if that cannot be read."""
    return str(json.loads((folder / FACTS).read_text())["until"])


def empty_staging(home: Path) -> Path:
    """Make the folder in which a batch is written, for a caller that has the lock."""
    return empty_folder(staging_path(home / "batch"))


def publish(staging: Path, facts: dict[str, object], target: Path) -> None:
    """Make the staged files a batch in one step, on the disk before it can be seen."""
    (staging / FACTS).write_text(json.dumps(facts) + "\n")
    for path in (*staging.iterdir(), staging):
        sync(path)
    staging.rename(target)
    sync(target.parent)


def _spans(home: Path) -> dict[tuple[int, int], Path]:
    return {span_of(folder): folder for folder in (home / "batches").glob("[0-9]*") if folder.is_dir()}


def _last(home: Path) -> tuple[int, str | None]:
    """Number and position of the last batch; before the first one 0 and None."""
    folders = batch_folders(home)
    if not folders:
        return 0, None
    try:
        return span_of(folders[-1])[1], position_of(folders[-1])
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(
            f"{folders[-1] / FACTS} cannot be read ({error}), so it is not known where the next batch begins. "
            f"Remove the folder {folders[-1]}: its entries are collected again as long as the event log has them."
        ) from error


def _write(home: Path, number: int, position: str, tables: dict[Table, pa.Table]) -> None:
    """The event_log may forget what is in a published batch."""
    staging = empty_staging(home)
    for table, rows in tables.items():
        pq.write_table(rows, staging / f"{table.name}.parquet", compression="zstd")
    facts: dict[str, object] = {"until": position} | {table.name: len(rows) for table, rows in tables.items()}
    publish(staging, facts, home / "batches" / f"{number:08d}")


def _sorted(page: LogBatch) -> tuple[dict[Table, pa.Table], list[Entry]]:
    """The page's rows in the contract's types, and what does not fit them."""
    unusable = [Entry(*broken) for broken in page.malformed]
    tables = {}
    for table, rows in ((EVENTS, page.events), (DECISIONS, page.decisions)):
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
    """Why a row does not fit the contract's types; None if it does."""
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
