"""`python -m online_experiments start`: announce an experiment."""

import argparse
import logging
from typing import Any

from online_experiments.announcement import announce
from online_experiments.commands import check
from online_experiments.commands.user import current_user
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    check.add_arguments(parser)
    parser.add_argument("--by", default=current_user(), help="who starts it (default: %(default)s)")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Announce one experiment, and return its announcement.

    Raises:
        DefinitionError: The file cannot be used.
        AnnouncementError: Another experiment is in the way.
        UnknownVersionError: A version is not in the model store.
    """
    experiment = check.checked(settings, options.experiment)
    announcement = announce(settings, experiment, options.by)
    logger.info(
        "%s runs from %s to %s UTC: %s. Every worker of the service follows within seconds.",
        experiment.id, announcement.starts_at, announcement.ends_at, check.shares_in_words(experiment),
    )  # fmt: skip
    return announcement.model_dump(mode="json", exclude={"salt"})
