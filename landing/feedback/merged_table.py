"""Unites the feedback the service collected with what a landing brings itself, in the contract's columns and types.

`<home>/landed/events.parquet` and `decisions.parquet` hold everything there is by now, as it came: dbt makes the facts
of feedback from them and counts an event once. A run with a day of its own takes the events from here too, and
admission cuts them at what was known before it.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.atomic_files import remove_leftovers, replace_file, staging_path
from core.duckdb_engine import connect, quote_identifier, quote_literal
from core.exclusive_lock import exclusive_lock
from core.file_hashes import FileHashes
from landing.contract import FEEDBACK, Table
from landing.errors import not_written
from landing.feedback.collector import batch_files
from landing.feedback.quarantine import set_aside_rows
from landing.findings import Finding, Findings
from landing.reading.casting import PlausibleDays
from landing.reading.discovery import find_source
from landing.reading.sources import Source
from landing.reading.tables import MEMORY_LIMIT, check_table

_INPUTS = "inputs.json"
_RULES = 2  # raise it when the rules change, so that tables made by the earlier ones are made again


@dataclass(frozen=True)
class Landed:
    """One united table: its rows, an event that came twice still being two, and its file."""

    rows: int
    file: Source

    @property
    def source(self) -> Source | None:
        """As admission reads it: a table without rows is absent; its file is there, empty but typed."""
        return self.file if self.rows else None


def land_feedback(
    home: Path,
    landing: Path | None,
    days: PlausibleDays,
    findings: Findings,
    say: Callable[[str], None],
    memory_limit: str = MEMORY_LIMIT,
) -> dict[Table, Landed]:
    """Bring `<home>/landed/` up to date.

    `landing` may hold events and decisions of its own; None if there is none yet. Nothing is written if no file has
    changed since the last time; the findings of then are kept and added again. Raises SourceError or ContractError
    for a file of the landing that does not fit.
    """
    own = {table: find_source(landing, table) if landing else None for table in FEEDBACK}
    with exclusive_lock(home):
        landed = home / "landed"
        hashes = FileHashes(home / "file_hashes.json")
        inputs: dict[str, object] = {table.name: _inputs(home, table, own[table], hashes) for table in FEEDBACK}
        inputs["rules"] = [_RULES, str(days.first)]
        hashes.save()
        files = [landed / f"{table.name}.parquet" for table in FEEDBACK]
        earlier = _read(landed / _INPUTS)
        if earlier.get("inputs") == inputs and all(file.is_file() for file in files):
            made = [Finding.model_validate(finding) for finding in earlier["findings"]]
        else:
            found = Findings(lambda _: None)
            landed.mkdir(exist_ok=True)
            remove_leftovers(landed)
            (landed / _INPUTS).unlink(missing_ok=True)  # it vouches for both files
            with connect(landed / "spill", memory_limit) as connection:
                for table in FEEDBACK:
                    _write(connection, home, table, own[table], days, found, say)
            shutil.rmtree(landed / "spill", ignore_errors=True)
            made = list(found)
            kept = {"inputs": inputs, "findings": [finding.model_dump() for finding in made]}
            replace_file(landed / _INPUTS, json.dumps(kept) + "\n")
        for finding in made:
            findings.take(finding)
        return {table: _landed(landed, table) for table in FEEDBACK}


def _write(
    connection: duckdb.DuckDBPyConnection,
    home: Path,
    table: Table,
    own: Source | None,
    days: PlausibleDays,
    findings: Findings,
    say: Callable[[str], None],
) -> None:
    checked = check_table(connection, table, own, days, findings)
    query, batches = checked.rows, batch_files(home, table)
    if own is not None:
        say(f"{table.name}: {own.label} fits the contract")
    if batches:
        files = ", ".join(quote_literal(file) for file in batches)
        # Batches of earlier versions lack columns that were added since. `checked.rows` has them all, so they are NULL.
        columns = ", ".join(quote_identifier(column.name) for column in table.columns)
        collected = f"SELECT * FROM read_parquet([{files}], union_by_name = true)"
        query = f"SELECT {columns} FROM (({query}) UNION ALL BY NAME {collected})"
        say(f"{table.name}: {len(batches)} folders of collected batches")
    query = set_aside_rows(connection, home, table, query, days, findings)
    target = home / "landed" / f"{table.name}.parquet"
    staged = staging_path(target)
    try:
        connection.execute(f"COPY ({query}) TO {quote_literal(staged)} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        raise not_written(target, error) from error
    staged.replace(target)


def _inputs(home: Path, table: Table, own: Source | None, hashes: FileHashes) -> dict[str, object]:
    """What the table is made of. Rows of batches never change and the last is never merged, so it stands for all."""
    return {
        "columns": [column.name for column in table.columns],
        "own": [*([*file] for file in own.fingerprint(hashes)), *own.aside] if own is not None else [],
        "batch": [[file.parent.name, file.stat().st_mtime_ns] for file in batch_files(home, table)[-1:]],
    }


def _landed(landed: Path, table: Table) -> Landed:
    file = landed / f"{table.name}.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM read_parquet({quote_literal(file)})").fetchone()
    return Landed(int(found[0]) if found else 0, Source(table, (file,), landed))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
