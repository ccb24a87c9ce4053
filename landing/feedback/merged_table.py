"""Merge the feedback that the service collected with that of a landing, in the contract's columns and types.

`<home>/landed/` holds all rows of each table so far, with repetitions: dbt makes the facts of feedback from them and
counts an event once. Admission also reads the events from here, and keeps those known before its
day.
"""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.duckdb_engine import connect, quote_identifier, quote_literal
from core.files.atomic import remove_leftovers, replace_file, staging_path
from core.files.hashes import FileHashes
from core.files.lock import exclusive_lock
from landing.contract import FEEDBACK, Table
from landing.errors import not_written
from landing.feedback.collector import batch_files
from landing.feedback.quarantine import set_aside_rows
from landing.findings import Finding, Findings
from landing.reading.casting import PlausibleDays
from landing.reading.discovery import find_source
from landing.reading.sources import Source
from landing.reading.tables import MEMORY_LIMIT, check_table

logger = logging.getLogger(__name__)

_INPUTS = "inputs.json"
_RULES = 3  # raise it when the rules change, so that tables made by earlier rules are made again


@dataclass(frozen=True)
class MergedTable:
    """One merged table: its number of rows, repetitions included, and its file."""

    rows: int
    file: Source

    @property
    def source(self) -> Source | None:
        """The table for admission: None if it has no rows; its file still exists, empty but typed."""
        return self.file if self.rows else None


def land_feedback(
    home: Path,
    landing: Path | None,
    days: PlausibleDays,
    findings: Findings,
    memory_limit: str = MEMORY_LIMIT,
) -> dict[Table, MergedTable]:
    """Bring `<home>/landed/` up to date.

    If no file has changed since the last run, nothing is written, and the findings of that run are added again.

    Args:
        home: The folder of feedback.
        landing: The folder of a landing, which may hold tables of feedback; None if there is none yet.
        days: The range of plausible dates.
        findings: The findings to add to.
        memory_limit: Memory for DuckDB.

    Returns:
        The merged tables.

    Raises:
        SourceError: A file of the landing cannot be read.
        ContractError: A file of the landing does not fit the contract.
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
            found = Findings(logged=False)
            landed.mkdir(exist_ok=True)
            remove_leftovers(landed)
            (landed / _INPUTS).unlink(missing_ok=True)  # it describes the files
            with connect(landed / "spill", memory_limit) as connection:
                for table in FEEDBACK:
                    _write(connection, home, table, own[table], days, found)
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
) -> None:
    checked = check_table(connection, table, own, days, findings)
    query, batches = checked.rows, batch_files(home, table)
    if own is not None:
        logger.info("%s: %s fits the contract", table.name, own.label)
    if batches:
        files = ", ".join(quote_literal(file) for file in batches)
        # Batches of earlier versions lack columns that were added since. `checked.rows` has them all, so they are NULL.
        columns = ", ".join(quote_identifier(column.name) for column in table.columns)
        collected = f"SELECT * FROM read_parquet([{files}], union_by_name = true)"
        query = f"SELECT {columns} FROM (({query}) UNION ALL BY NAME {collected})"
        logger.info("%s: %d folders of collected batches", table.name, len(batches))
    query = set_aside_rows(connection, home, table, query, days, findings)
    target = home / "landed" / f"{table.name}.parquet"
    staged = staging_path(target)
    try:
        connection.execute(f"COPY ({query}) TO {quote_literal(staged)} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        raise not_written(target, error) from error
    staged.replace(target)


def _inputs(home: Path, table: Table, own: Source | None, hashes: FileHashes) -> dict[str, object]:
    """Return the table's inputs; the last batch stands for all, because batches never change and it is never merged."""
    return {
        "columns": [column.name for column in table.columns],
        "own": [*([*file] for file in own.fingerprint(hashes)), *own.aside] if own is not None else [],
        "batch": [[file.parent.name, file.stat().st_mtime_ns] for file in batch_files(home, table)[-1:]],
    }


def _landed(landed: Path, table: Table) -> MergedTable:
    file = landed / f"{table.name}.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM read_parquet({quote_literal(file)})").fetchone()
    return MergedTable(int(found[0]) if found else 0, Source(table, (file,), landed))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
