"""`python -m landing admit|accept|dbt-vars|collect`: the commands of this package.

Progress goes to stdout for people; the last line is one JSON object for the next step.
"""

import argparse
import json
import sys
import time
from contextlib import closing
from datetime import date
from pathlib import Path

from events.errors import EventsError
from events.factory import open_event_log
from landing.admission import accept, admit, check
from landing.complete_journey import PACKAGE, land_demo
from landing.errors import AsOfError, LandingError, sentences
from landing.feedback.collector import collect
from landing.feedback.compaction import compact
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from landing.manifest import Manifest, read_manifest
from landing.reading.casting import PlausibleDays
from landing.reading.tables import MEMORY_LIMIT
from settings import Settings, SettingsError, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        with sentences(settings.data):
            result = _run(settings, options)
    except (SettingsError, LandingError, EventsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


def _run(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    if options.command == "collect":
        return _collect(settings)
    if options.command == "admit" and options.check:
        return _check(settings, options.as_of or settings.as_of)
    if options.command == "accept":
        return _accept(settings, options.as_of or settings.as_of, options.admission, options.despite_checks)
    return {"admit": _admit, "dbt-vars": _dbt_vars}[options.command](settings, options.as_of or settings.as_of)


def _admit(settings: Settings, as_of: date | None) -> dict[str, object]:
    """Land the demo's data if no other is set, then admit what was known before as_of."""
    start = time.perf_counter()
    folder = settings.landing or _landed_demo(settings)
    manifest, reused = admit(settings, folder, as_of, _say)
    how = "reused: same day, files and settings" if reused else "admitted"
    print(f"{how}: {settings.paths.admitting} as of {manifest.as_of}, {time.perf_counter() - start:.1f} s")
    print("next: `.venv/bin/python -m quality landing` checks it,")
    print("then: `.venv/bin/python -m landing accept` makes it the one that is used")
    return {**_result(manifest), "reused": reused, "admission": settings.paths.admitting.resolve().name}


def _check(settings: Settings, as_of: date | None) -> dict[str, object]:
    """Do what admit does, without a trace. The demo's data is checked only where it was written before."""
    manifest = check(settings, settings.landing or settings.paths.demo_landing, as_of, _say)
    print(f"checked: fit to be admitted as of {manifest.as_of}; nothing was written")
    return _result(manifest)


def _result(manifest: Manifest) -> dict[str, object]:
    found = [finding.model_dump(exclude={"message", "example"}) for finding in manifest.findings]
    return {"as_of": manifest.as_of.isoformat(), "rows": manifest.rows, "findings": found}


def _accept(settings: Settings, as_of: date | None, admission: str | None, despite_checks: bool) -> dict[str, object]:
    manifest = accept(settings, as_of, admission, despite_checks, _say)
    print(f"accepted: {settings.paths.admitted} as of {manifest.as_of}")
    return {"as_of": manifest.as_of.isoformat(), "rows": manifest.rows}


def _landed_demo(settings: Settings) -> Path:
    folder = settings.paths.demo_landing
    written = land_demo(folder, settings.duckdb_memory(MEMORY_LIMIT))
    print(f"the demo's data ({PACKAGE}) {'was written to' if written else 'is in'} {folder}", flush=True)
    return folder


def _dbt_vars(settings: Settings, as_of: date | None) -> dict[str, object]:
    """The variables of a dbt run: the day, its instant, and the features' points in time, newest first."""
    day = as_of or _admitted(settings).as_of
    return {
        "as_of": day.isoformat(),
        "as_of_instant": settings.start_of_day(day).isoformat(sep=" "),
        "timezone": settings.timezone,
        "snapshots": [instant.isoformat(sep=" ") for instant in settings.snapshot_instants(day)],
    }


def _collect(settings: Settings) -> dict[str, object]:
    """Take over what the service has written down since the last time, and unite it with the landing's own."""
    home, landing = settings.paths.feedback, settings.landing or settings.paths.demo_landing
    with closing(open_event_log(settings)) as event_log:
        collected = collect(home, event_log, _say)
    findings, memory_limit = Findings(_say), settings.duckdb_memory(MEMORY_LIMIT)
    landed = land_feedback(
        home, landing if landing.is_dir() else None, PlausibleDays.of(settings), findings, _say, memory_limit
    )
    compacted = compact(home, _say, memory_limit=memory_limit)
    print(f"collected {collected.events:,} events and {collected.decisions:,} rows of decisions, in {home}")
    # DuckDB makes files, but not the folders they lie in; the facts may be the first to be built.
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


def _admitted(settings: Settings) -> Manifest:
    manifest = read_manifest(settings.paths.admitted)
    if manifest is None:
        raise AsOfError(
            "No day was given and no admission is accepted: run `.venv/bin/python -m landing admit` and `accept`, "
            "or add --as-of."
        )
    return manifest


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m landing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, text in (
        ("admit", "check the landing tables and write what was known before a day"),
        ("accept", "make the written admission the one that is used, unless its checks failed"),
        ("dbt-vars", "print the variables of a dbt run as JSON"),
    ):
        command_parser = commands.add_parser(command, help=text)
        command_parser.add_argument(
            "--as-of",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="the day; default: the newest possible, for accept the admission's own",
        )
        if command == "admit":
            command_parser.add_argument(
                "--check", action="store_true", help="read and check everything, print the findings, keep nothing"
            )
        if command == "accept":
            command_parser.add_argument(
                "--admission", metavar="NAME", help="only this one, as admit named it: nothing came after its check"
            )
            command_parser.add_argument(
                "--despite-checks", action="store_true", help="also if its checks failed, which is refused otherwise"
            )
    commands.add_parser("collect", help="take over the events and decisions that the service wrote down")
    return parser


if __name__ == "__main__":
    sys.exit(main())
