"""`python -m quality landing|features|profiles --as-of D`, `training --run-id R` and `feedback`: this room's door.

Exit 0: no critical expectation is broken, warnings are printed. Exit 1: at least one is, and the message names it.
Exit 99: nothing to check, because the run trains nothing.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from quality.boundaries import Stages, day_in
from quality.boundaries.features import feature_stages
from quality.boundaries.feedback import feedback_stages
from quality.boundaries.landing import landing_stages
from quality.boundaries.profiles import profile_stages
from quality.boundaries.training import training_stages
from quality.errors import NothingToCheckError, QualityError
from quality.run import validate_boundary
from quality.thresholds import Thresholds, load_thresholds
from settings import Settings, SettingsError, load_settings

NOTHING_TO_DO = 99


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        thresholds = load_thresholds(options.boundary, settings.quality_thresholds)
        stages = _stages(settings, options, thresholds)
        if options.boundary == "training" and (because := _too_little(settings, options.run_id)):
            _say(f"Nothing to check, because nothing is trained. {because}")
            print(json.dumps({}))
            return NOTHING_TO_DO
        result = validate_boundary(settings, thresholds, *stages, _say)
    except (SettingsError, QualityError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        reason = f"{error.filename or 'a file'}: {error.strerror or error}"
        print(f"error: {reason}. Make room or give access in the data directory, then run it again.", file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


def _too_little(settings: Settings, run_id: str) -> str | None:
    """Why `build-dataset` made no training set of this run; None if it made one."""
    path = settings.paths.runs / run_id / "not_enough_data.json"
    return json.loads(path.read_text())["because"] if path.is_file() else None


def _say(line: str) -> None:
    print(line, flush=True)


def _stages(
    settings: Settings, options: argparse.Namespace, thresholds: Thresholds
) -> tuple[str, Callable[[Path], Stages]]:
    """The run's name, under which its results are kept, and the boundary's stages."""
    if options.boundary == "training":
        if Path(options.run_id).name != options.run_id:
            raise NothingToCheckError(
                f"'{options.run_id}' cannot name a run: a run is a folder in {settings.paths.runs}."
            )
        return options.run_id, lambda spill: training_stages(settings, options.run_id, spill)
    if options.boundary == "feedback":
        # Of no day of the data: named by the day on which it is judged.
        return datetime.now(UTC).date().isoformat(), lambda spill: feedback_stages(settings, spill)
    if options.boundary == "profiles":
        day = options.as_of or day_in(settings.paths.staged_customers / "scored.json", "Score the customers first.")
        return day.isoformat(), lambda spill: profile_stages(settings, day, spill, thresholds)
    admission = settings.paths.admitting if options.boundary == "landing" else settings.paths.admitted
    day = options.as_of or settings.as_of or _day_of(admission)
    if options.boundary == "landing":
        return day.isoformat(), lambda spill: landing_stages(settings, day, spill, thresholds)
    return day.isoformat(), lambda spill: feature_stages(settings, day, spill)


def _day_of(admission: Path) -> date:
    advice = "Run `.venv/bin/python -m landing admit` first, or add --as-of."
    return day_in(admission / "manifest.json", advice)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quality", description=__doc__)
    boundaries = parser.add_subparsers(dest="boundary", required=True)
    for boundary, text in (
        ("landing", "check the tables that are being admitted"),
        ("features", "check the staged feature tables"),
        ("profiles", "check the staged scores of customers"),
    ):
        day = boundaries.add_parser(boundary, help=text)
        day.add_argument(
            "--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the day; default: that of what is checked"
        )
    boundaries.add_parser("feedback", help="check all events and decisions that have landed")
    training = boundaries.add_parser("training", help="check a run's training set")
    training.add_argument("--run-id", required=True, help="the run's name, such as 2018-01-01-3f2a9c")
    return parser


if __name__ == "__main__":
    sys.exit(main())
