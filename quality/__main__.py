"""Run the checks `landing|features|profiles --as-of D`, `training --run-id R`, `plan --campaign C` and `feedback`.

Exit 0: no critical expectation is broken; warnings are logged. Exit 1: at least one is, and the message names it.
Exit 99: the run trains nothing, so there is nothing to check.
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from core.command import Commands, add_as_of
from quality.checkpoints import Stages, day_in
from quality.checkpoints.features import feature_stages
from quality.checkpoints.feedback import feedback_stages
from quality.checkpoints.landing import landing_stages
from quality.checkpoints.plan import plan_id, plan_stages
from quality.checkpoints.profiles import profile_stages
from quality.checkpoints.training import training_stages
from quality.errors import DiskError, NothingToCheckError, QualityError
from quality.run import run_checkpoint
from quality.thresholds import Thresholds, load_thresholds
from settings import Settings, SettingsError, load_settings

logger = logging.getLogger("quality")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    commands = Commands("quality", __doc__, load_settings, (SettingsError, QualityError))
    landing = commands.add("landing", _run, "check the tables that are being admitted")
    features = commands.add("features", _run, "check the staged feature tables")
    profiles = commands.add("profiles", _run, "check the staged scores of customers")
    for parser in (landing, features, profiles):
        add_as_of(parser, "the day; default: the day of the data that is checked")
    commands.add("feedback", _run, "check all events and decisions that have landed")
    training = commands.add("training", _run, "check a run's training set")
    training.add_argument("--run-id", required=True, help="the run's name, such as 2018-01-01-3f2a9c")
    plan = commands.add("plan", _run, "check a campaign's staged plan before it is enqueued")
    plan.add_argument("--campaign", required=True, help="the campaign's id, such as win-back")
    return commands.run(arguments)


def _run(settings: Settings, options: argparse.Namespace) -> dict[str, Any] | None:
    """Run the checkpoint that the command names; return None if the run trains nothing."""
    thresholds = load_thresholds(options.command, settings.quality_thresholds)
    try:
        run, stages = _stages(settings, options, thresholds)
        if options.command == "training" and (because := _too_little(settings, options.run_id)):
            logger.info("Nothing to check, because nothing is trained. %s", because)
            return None
        return run_checkpoint(settings, thresholds, run, stages)
    except OSError as error:
        reason = f"{error.filename or 'a file'}: {error.strerror or error}"
        raise DiskError(f"{reason}. Make room or give access in the data directory, then run it again.") from error


def _too_little(settings: Settings, run_id: str) -> str | None:
    """Return why `build-dataset` made no training set in this run; None if it made one."""
    path = settings.paths.runs / run_id / "not_enough_data.json"
    return json.loads(path.read_text())["because"] if path.is_file() else None


def _stages(
    settings: Settings, options: argparse.Namespace, thresholds: Thresholds
) -> tuple[str, Callable[[Path], Stages]]:
    """Return the run's name, under which its results are kept, and the checkpoint's stages."""
    if options.command == "training":
        if Path(options.run_id).name != options.run_id:
            raise NothingToCheckError(
                f"'{options.run_id}' cannot name a run: a run is a folder in {settings.paths.runs}."
            )
        return options.run_id, lambda spill: training_stages(settings, options.run_id, spill)
    if options.command == "plan":
        return plan_id(settings, options.campaign), lambda spill: plan_stages(settings, options.campaign, spill)
    if options.command == "feedback":
        # Feedback has no as_of, so its results are named by the day of the check.
        return datetime.now(UTC).date().isoformat(), lambda spill: feedback_stages(settings, spill)
    if options.command == "profiles":
        day = options.as_of or day_in(settings.paths.staged_customers / "scored.json", "Score the customers first.")
        return day.isoformat(), lambda spill: profile_stages(settings, day, spill, thresholds)
    admission = settings.paths.admitting if options.command == "landing" else settings.paths.admitted
    day = options.as_of or settings.as_of or _day_of(admission)
    if options.command == "landing":
        return day.isoformat(), lambda spill: landing_stages(settings, day, spill, thresholds)
    return day.isoformat(), lambda spill: feature_stages(settings, day, spill)


def _day_of(admission: Path) -> date:
    advice = "Run `.venv/bin/python -m landing admit` first, or add --as-of."
    return day_in(admission / "manifest.json", advice)


if __name__ == "__main__":
    sys.exit(main())
