"""Run the commands of landing: `python -m landing admit|accept|dbt-vars|collect|erase-events`."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from core.command import Commands, add_as_of
from events.errors import EventsError
from events.factory import open_event_log
from landing.admission import accept, admit, check
from landing.complete_journey import PACKAGE, land_demo
from landing.errors import AsOfError, LandingError, SourceError, sentences
from landing.feedback.collector import collect
from landing.feedback.compaction import compact
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from landing.manifest import Manifest, read_manifest
from landing.reading.casting import PlausibleDays
from landing.reading.tables import MEMORY_LIMIT
from settings import Settings, SettingsError, load_settings

logger = logging.getLogger("landing")

Command = Callable[[Settings, argparse.Namespace], object]


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    errors = (SettingsError, LandingError, EventsError)
    commands = Commands("landing", __doc__, load_settings, errors)
    admit_parser = commands.add(
        "admit", _explained(_admit), "check the landing tables and write what was known before a day"
    )
    admit_parser.add_argument(
        "--check", action="store_true", help="read and check everything, print the findings, keep nothing"
    )
    accept_parser = commands.add(
        "accept", _explained(_accept), "make the written admission the one that is used, unless its checks failed"
    )
    accept_parser.add_argument(
        "--admission", metavar="NAME", help="only this one, as admit named it: nothing came after its check"
    )
    accept_parser.add_argument(
        "--despite-checks", action="store_true", help="also if its checks failed, which is refused otherwise"
    )
    vars_parser = commands.add("dbt-vars", _explained(_dbt_vars), "print the variables of a dbt run as JSON")
    for parser in (admit_parser, accept_parser, vars_parser):
        add_as_of(parser, "the day; default: the newest possible, for accept the admission's own")
    commands.add("collect", _explained(_collect), "take over the events and decisions that the service wrote down")
    erase_parser = commands.add(
        "erase-events",
        _explained(_erase_events),
        "delete the recent events of customers, which change their next lists",
    )
    erase_parser.add_argument("file", type=Path, help="a text file with one customer_id per line")
    return commands.run(arguments)


def _explained(function: Command) -> Command:
    """Return the command with errors of the disk and of DuckDB turned into sentences."""

    def run(settings: Settings, options: argparse.Namespace) -> object:
        with sentences(settings.data):
            return function(settings, options)

    return run


def _admit(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Land the demo's data if no other is set, then admit the rows known before the day."""
    if options.check:
        return _check(settings, options)
    start = time.perf_counter()
    folder = settings.landing or _landed_demo(settings)
    manifest, reused = admit(settings, folder, options.as_of or settings.as_of)
    how = "reused: same day, files and settings" if reused else "admitted"
    logger.info(f"{how}: {settings.paths.admitting} as of {manifest.as_of}, {time.perf_counter() - start:.1f} s")
    logger.info("next: `.venv/bin/python -m quality landing` checks it,")
    logger.info("then: `.venv/bin/python -m landing accept` makes it the one that is used")
    return {**_result(manifest), "reused": reused, "admission": settings.paths.admitting.resolve().name}


def _check(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Check the landing without writing; the demo's data is checked only if it was written before."""
    landing = settings.landing or settings.paths.demo_landing
    manifest = check(settings, landing, options.as_of or settings.as_of)
    logger.info("checked: fit to be admitted as of %s; nothing was written", manifest.as_of)
    return _result(manifest)


def _result(manifest: Manifest) -> dict[str, object]:
    found = [finding.model_dump(exclude={"message", "example"}) for finding in manifest.findings]
    return {"as_of": manifest.as_of.isoformat(), "rows": manifest.rows, "findings": found}


def _accept(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    manifest = accept(settings, options.as_of or settings.as_of, options.admission, options.despite_checks)
    logger.info("accepted: %s as of %s", settings.paths.admitted, manifest.as_of)
    return {"as_of": manifest.as_of.isoformat(), "rows": manifest.rows}


def _landed_demo(settings: Settings) -> Path:
    folder = settings.paths.demo_landing
    written = land_demo(folder, settings.duckdb_memory(MEMORY_LIMIT))
    logger.info("the demo's data (%s) %s %s", PACKAGE, "was written to" if written else "is in", folder)
    return folder


def _dbt_vars(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Return the variables of a dbt run: the day, its instant, and the features' points in time, newest first."""
    day = options.as_of or settings.as_of or _admitted(settings).as_of
    return {
        "as_of": day.isoformat(),
        "as_of_instant": settings.start_of_day(day).isoformat(sep=" "),
        "timezone": settings.timezone,
        "snapshots": [instant.isoformat(sep=" ") for instant in settings.snapshot_instants(day)],
    }


def _collect(settings: Settings, _options: argparse.Namespace) -> dict[str, object]:
    """Collect what the service logged since the last run, and merge it with the feedback of the landing."""
    home, landing = settings.paths.feedback, settings.landing or settings.paths.demo_landing
    with closing(open_event_log(settings)) as event_log:
        collected = collect(home, event_log)
    findings, memory_limit = Findings(), settings.duckdb_memory(MEMORY_LIMIT)
    landed = land_feedback(
        home, landing if landing.is_dir() else None, PlausibleDays.of(settings), findings, memory_limit
    )
    compacted = compact(home, memory_limit=memory_limit)
    logger.info(f"collected {collected.events:,} events and {collected.decisions:,} rows of decisions, in {home}")
    # DuckDB creates files, but not their folders, and the facts may be the first tables to be built.
    settings.paths.warehouse.parent.mkdir(parents=True, exist_ok=True)
    rows = {table.name: found.rows for table, found in landed.items()}
    found = [finding.model_dump(exclude={"message", "example"}) for finding in findings]
    return {
        **vars(collected),
        **vars(compacted),
        "landed": rows,
        "findings": found,
        "dbt_vars": {"timezone": settings.timezone},
    }


def _erase_events(settings: Settings, options: argparse.Namespace) -> dict[str, int]:
    """Erase customers from the recent events that change lists; collected events are files of `feedback/`."""
    try:
        ids = {line.strip() for line in options.file.read_text().splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{options.file} cannot be read ({error}). Give a text file with one id per line.") from error
    if not ids:
        raise SourceError(f"{options.file} names no customer. Write one customer_id per line.")
    with closing(open_event_log(settings)) as event_log:
        erased = event_log.erase(ids)
    logger.info(f"erased {erased:,} recent events of {len(ids):,} customers")
    return {"customers": len(ids), "events": erased}


def _admitted(settings: Settings) -> Manifest:
    manifest = read_manifest(settings.paths.admitted)
    if manifest is None:
        raise AsOfError(
            "No day was given and no admission is accepted: run `.venv/bin/python -m landing admit` and `accept`, "
            "or add --as-of."
        )
    return manifest


if __name__ == "__main__":
    sys.exit(main())
