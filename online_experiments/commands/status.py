"""`python -m online_experiments list`: list the announced experiments."""

import argparse
import logging
from typing import Any

from core.clock import utc_now
from online_experiments.announcement import read_announcements
from online_experiments.commands.check import shares_in_words
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no argument."""


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any] | None:
    """List the announced experiments; None if there is none.

    Raises:
        AnnouncementError: A file cannot be read.
    """
    now, found = utc_now(), {}
    for one in read_announcements(settings.paths.announced_experiments):
        state = one.state(now)
        logger.info(
            "%s: %s, %s to %s UTC, layer %s, slots %d to %d, %s",
            one.id, state, one.starts_at, one.until, one.experiment.layer, *one.experiment.slots,
            shares_in_words(one.experiment),
        )  # fmt: skip
        found[one.id] = {"state": state, "starts_at": one.starts_at.isoformat(), "until": one.until.isoformat()}
    if not found:
        logger.info("No experiment is announced.")
    return found or None
