"""Admit a landing: check it against the contract, cast it, and keep the rows known before `as_of`.

Each admission is a folder `<data>/admissions/<as_of>-<fingerprint>/`. `admit` moves the link `<data>/admitting` to the
newest one, which the checks read. `accept` moves `<data>/admitted` there, in one step, so that a reader sees a whole
admission or the previous one, and a failed check changes nothing.
"""

import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from core.clock import utc_now
from core.duckdb_engine import connect
from core.files.atomic import empty_folder, move_link, remove_leftovers, replace_folder, staging_path
from core.files.hashes import FileHashes
from core.files.lock import exclusive_lock
from landing.contract import CAMPAIGNS, EVENTS, TABLES, Table
from landing.errors import AsOfError, LandingError, SourceError, sentences
from landing.feedback.collector import collected_at
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from landing.manifest import MANIFEST, Inputs, Manifest, TableSummary, admission_name, is_whole, read_manifest
from landing.reading.casting import PlausibleDays
from landing.reading.cutoff import choose_cutoff, day_after_newest, receipts_until
from landing.reading.discovery import find_source, strays
from landing.reading.left_out import count_unused
from landing.reading.sources import Source
from landing.reading.spellings import count_spellings
from landing.reading.tables import MEMORY_LIMIT, CheckedTable, check_table, transaction_span, write_table
from landing.verdict import RESULTS, failed_checks
from settings import Settings

logger = logging.getLogger(__name__)

KEPT = 3
"""Number of admissions that are kept, the most recently used first; a run that reads an older one can finish."""


def admit(settings: Settings, landing: Path, as_of: date | None) -> tuple[Manifest, bool]:
    """Write the tables of `landing` as known before `as_of`, unless an earlier admission has the same inputs.

    An earlier admission is reused if as_of, time zone, customer limit, contract, and every file's name and content are
    equal, and its own files still have their recorded hashes. Events are the landing's own and the collected ones.
    Nothing is written unless every table fits the contract.

    Args:
        settings: Settings of the installation.
        landing: The folder with the retailer's tables.
        as_of: The day; None for the day after the newest transaction.

    Returns:
        The admission's manifest, and whether an earlier admission was reused.

    Raises:
        LandingError: The landing cannot be read, does not fit the contract, or cannot be written.
    """
    _refuse_own_folders(settings, landing)
    home, findings = settings.data / "admissions", Findings()
    with sentences(settings.data):
        received_until = collected_at(settings.paths.feedback) or datetime.min
        hashes = FileHashes(settings.paths.file_hashes)
        landed = _look(settings, landing, settings.paths.feedback, hashes, findings)
        hashes.save()
        with exclusive_lock(home):
            reusable = _earlier(home, landed.inputs, as_of)
            if reusable is not None:
                _move(settings.paths.admitting, home / admission_name(reusable.as_of, landed.inputs))
                for finding in reusable.findings:
                    findings.take(finding)
                return reusable, True
            remove_leftovers(home)
            staging = empty_folder(staging_path(home / "admission"))
            try:
                manifest = _write(settings, landed, as_of, received_until, staging, findings)
                folder = home / admission_name(manifest.as_of, landed.inputs)
                replace_folder(folder, staging)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
            _move(settings.paths.admitting, folder)
            _delete_old(home, {folder, settings.paths.admitted.resolve()})
    return manifest, False


def check(settings: Settings, landing: Path, as_of: date | None) -> Manifest:
    """Do everything that `admit` does, in a folder that is deleted at the end: only the findings remain.

    Events that the service collected are left out.

    Raises:
        LandingError: The landing cannot be read, or does not fit the contract.
    """
    _refuse_own_folders(settings, landing)
    findings = Findings()
    with sentences(settings.data):
        settings.data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".check-", dir=settings.data) as temporary:
            folder = Path(temporary)
            hashes = FileHashes(settings.paths.file_hashes)
            landed = _look(settings, landing, folder / "feedback", hashes, findings)
            return _write(settings, landed, as_of, datetime.min, folder / "admission", findings)


def accept(
    settings: Settings,
    as_of: date | None,
    admission: str | None = None,
    despite_checks: bool = False,
) -> Manifest:
    """Move `<data>/admitted` to the newest admission, and log a note if it was not checked.

    Args:
        settings: Settings of the installation.
        as_of: The expected day of the admission, or None.
        admission: The expected name of the admission's folder, as it was checked, or None.
        despite_checks: Whether to accept an admission whose checks failed.

    Returns:
        The manifest of the accepted admission.

    Raises:
        AsOfError: No admission waits, or another one than expected.
        LandingError: Its checks failed, or a table is damaged.
    """
    home, advice = settings.data / "admissions", "Run `.venv/bin/python -m landing admit` first."
    with exclusive_lock(home):
        folder = settings.paths.admitting.resolve()
        manifest = read_manifest(folder)
        if manifest is None:
            raise AsOfError(f"No admission waits in {settings.paths.admitting}. {advice}")
        if as_of not in (None, manifest.as_of):
            raise AsOfError(f"The admission that waits is as of {manifest.as_of}, not {as_of}. {advice}")
        if admission not in (None, folder.name):
            raise AsOfError(f"{folder.name} waits, not {admission}: it came after the check. {advice}")
        if not is_whole(folder, manifest):
            raise LandingError(f"A table in {folder} is damaged or missing. {advice}")
        failed = failed_checks(settings.paths.quality / manifest.as_of.isoformat() / RESULTS, folder / MANIFEST)
        if failed and not despite_checks:
            raise LandingError(
                f"{folder.name} is not accepted, because its checks failed: {', '.join(failed)}. Correct the landing, "
                "or add --despite-checks."
            )
        if failed is None:
            logger.info("note: %s was not checked; `.venv/bin/python -m quality landing` does it", folder.name)
        _move(settings.paths.admitted, folder)
    return manifest


@dataclass(frozen=True)
class _Landed:
    """A landing folder, the files of its tables, and the inputs that they amount to."""

    folder: Path
    sources: dict[Table, Source | None]
    inputs: Inputs
    hashes: FileHashes


def _look(settings: Settings, landing: Path, feedback: Path, hashes: FileHashes, findings: Findings) -> _Landed:
    if not landing.is_dir():
        raise SourceError(f"There is no folder {landing}. REACH_LANDING must name a folder with your tables.")
    others, memory_limit = strays(landing), settings.duckdb_memory(MEMORY_LIMIT)
    findings.add(
        "file_not_read",
        None,
        len(others),
        f"Not read, because the name is not a table's: {len(others)} in {landing}.",
        ", ".join(others[:5]) + (" …" if len(others) > 5 else ""),
    )
    events = land_feedback(feedback, landing, PlausibleDays.of(settings), findings, memory_limit)[EVENTS].source
    sources = {table: events if table is EVENTS else find_source(landing, table) for table in TABLES}
    there = [source for source in sources.values() if source is not None]
    inputs = Inputs(
        files={source.table.name: source.fingerprint(hashes) for source in there},
        unread=(*others, *(name for source in there for name in source.aside)),
        timezone=settings.timezone,
        earliest_day=settings.earliest_day,
        max_customers=settings.max_customers,
    )
    return _Landed(landing, sources, inputs, hashes)


def _write(
    settings: Settings,
    landed: _Landed,
    as_of: date | None,
    received_until: datetime,
    staging: Path,
    findings: Findings,
) -> Manifest:
    """Check every table before the first is written, then write them all and the manifest to `staging`."""
    now = utc_now()  # before a file is read, because no file has later sales
    spill = staging / "spill"
    spill.mkdir(parents=True)
    with connect(spill, settings.duckdb_memory(MEMORY_LIMIT)) as connection:
        days = PlausibleDays.of(settings)
        checked = [_check(connection, table, source, days, findings) for table, source in landed.sources.items()]
        span = transaction_span(connection, checked[0])
        cutoff = choose_cutoff(as_of, span, settings, now)
        logger.info("keeping what was known before %s (in UTC: %s)", cutoff.as_of, cutoff.instant)
        campaigns = next(table for table in checked if table.table is CAMPAIGNS)
        tables: dict[str, TableSummary] = {}
        for table in checked:
            summary = write_table(connection, table, cutoff, settings.max_customers, campaigns, staging, findings)
            later = f", {summary.not_yet_known:,} not yet known" if summary.not_yet_known else ""
            logger.info(f"  {table.table.name}: {summary.rows:,} rows{later}")
            tables[table.table.name] = summary
        count_unused(connection, staging, findings)
        count_spellings(connection, staging, (table.table for table in checked), findings)
    _refuse_if_changed(landed)
    shutil.rmtree(spill, ignore_errors=True)
    newest_as_of = day_after_newest(span, settings.timezone)
    manifest = Manifest(
        landing=str(landed.folder),
        as_of=cutoff.as_of,
        as_of_instant=cutoff.instant,
        newest_as_of=newest_as_of,
        first_transaction_at=span.first,
        receipts_until=receipts_until(span, settings, now),
        events_from=settings.start_of_day(newest_as_of),
        collected_at=min(received_until, cutoff.instant),
        inputs=landed.inputs,
        tables=tables,
        findings=tuple(findings),
    )
    (staging / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    return manifest


def _check(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: Source | None,
    days: PlausibleDays,
    findings: Findings,
) -> CheckedTable:
    checked = check_table(connection, table, source, days, findings)
    if checked.source is None:
        logger.info("%s: none (optional)", table.name)
    else:
        logger.info("%s: %s fits the contract", table.name, checked.source.label)
    return checked


def _refuse_own_folders(settings: Settings, landing: Path) -> None:
    """Raise SourceError if the landing lies in the data directory, where Reach deletes files."""
    if landing.is_relative_to(settings.data) and landing != settings.paths.demo_landing:
        raise SourceError(
            f"The landing {landing} lies in the data directory {settings.data}, where Reach deletes files. "
            "Put your tables elsewhere, and set REACH_LANDING to that folder."
        )


def _refuse_if_changed(landed: _Landed) -> None:
    """Raise SourceError if a file was changed since its table was read."""
    for source in landed.sources.values():
        if source is not None and source.fingerprint(landed.hashes) != landed.inputs.files[source.table.name]:
            raise SourceError(
                f"A file of {source.label} in {landed.folder} was changed while it was read. "
                "Run again when the delivery is complete."
            )


def _earlier(home: Path, inputs: Inputs, as_of: date | None) -> Manifest | None:
    """Return the earlier admission of the same day and inputs, if its files are unchanged."""
    if as_of is None:
        known = (read_manifest(folder) for folder in sorted(home.iterdir()) if folder.is_dir())
        as_of = next((manifest.newest_as_of for manifest in known if manifest and manifest.inputs == inputs), None)
        if as_of is None:
            return None
    folder = home / admission_name(as_of, inputs)
    found = read_manifest(folder)
    return found if found is not None and is_whole(folder, found) else None


def _move(link: Path, folder: Path) -> None:
    """Move the link in one step; it is relative, so that the data directory can be moved."""
    if link.is_dir() and not link.is_symlink():
        raise LandingError(f"{link} is a folder, but must be a link that Reach moves. Move the folder away.")
    os.utime(folder)
    remove_leftovers(link.parent, link.name)
    move_link(link, folder)


def _delete_old(home: Path, used: set[Path]) -> None:
    """Delete all admissions but the newest and those that a link leads to."""
    folders = sorted((folder for folder in home.iterdir() if folder.is_dir()), key=lambda f: -f.stat().st_mtime)
    for folder in folders[KEPT:]:
        if folder not in used:
            shutil.rmtree(folder)
