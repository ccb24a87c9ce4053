"""`python -m online_experiments stop`: end an experiment before its time."""

import argparse
import logging
from typing import Any

from online_experiments.announcement import stop
from online_experiments.commands.user import current_user
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("experiment", metavar="ID", help="the id of an announced experiment")
    parser.add_argument("--reason", required=True, help="why, as one sentence")
    parser.add_argument("--by", default=current_user(), help="who stops it (default: %(default)s)")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Stop one experiment, and return its announcement.

    Raises:
        AnnouncementError: It is not announced, or is over.
    """
    stopped = stop(settings, options.experiment, options.reason, options.by)
    logger.info("%s is stopped; its customers get the champion's lists within seconds.", stopped.id)
    return stopped.model_dump(mode="json", exclude={"salt"})
