"""`python -m online_experiments analyse`: measure experiments, and stop those that harm if their files ask."""

import argparse
import json
import logging
from typing import Any

from core.clock import utc_now
from core.command import without_nan
from core.files.atomic import replace_file
from core.files.lock import exclusive_lock
from experiments.errors import ExperimentError
from online_experiments.analysis.analyse import analyse
from online_experiments.analysis.report import lines, to_json
from online_experiments.announcement import Announcement, read_announcement, read_announcements, stop
from online_experiments.errors import OnlineExperimentError
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "experiment", metavar="ID", nargs="?", help="the id of an experiment; default: every announced one"
    )


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any] | None:
    """Measure one experiment or all, log and keep the results, and return them by experiment.

    Returns:
        None if no experiment is announced.

    Raises:
        OnlineExperimentError: The named experiment cannot be measured; the message names the next step.
        ExperimentError: The purchases cannot be read.
    """
    folder = settings.paths.announced_experiments
    if options.experiment is not None:
        return {options.experiment: _measured(settings, read_announcement(folder, options.experiment))}
    found: dict[str, Any] = {}
    for announcement in read_announcements(folder):
        try:
            found[announcement.id] = _measured(settings, announcement)
        except (OnlineExperimentError, ExperimentError) as error:
            # One experiment does not keep the others from being measured.
            logger.info("Experiment %s is not measured: %s", announcement.id, error)
            found[announcement.id] = {"experiment_id": announcement.id, "error": str(error)}
    if not found:
        logger.info("No experiment is announced.")
    return found or None


def _measured(settings: Settings, announcement: Announcement) -> dict[str, Any]:
    result = analyse(settings, announcement)
    for line in lines(result):
        logger.info("%s", line)
    found: dict[str, Any] = without_nan(to_json(result))
    folder = settings.paths.experiment_results
    with exclusive_lock(folder):
        replace_file(folder / f"{announcement.id}.json", json.dumps(found, indent=2) + "\n")
    stops = announcement.experiment.measure.stop_on_harm and not announcement.is_over(utc_now())
    if result.harm is not None and stops:
        stop(settings, announcement.id, result.harm, "the analysis")
        logger.info("Experiment %s is stopped.", announcement.id)
    return found
