"""`python -m online_experiments check`: check a file, and whether it could start now."""

import argparse
import logging
from pathlib import Path
from typing import Any

from online_experiments.announcement import prepare
from online_experiments.definition.experiment import Experiment
from online_experiments.definition.file import read_experiment
from registry.model_store import ModelStore
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("experiment", metavar="FILE", help="the file, or the id of an experiment in the folder")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Check one file, and return what it defines.

    Raises:
        DefinitionError: The file cannot be used.
        AnnouncementError: Another experiment is in the way.
        UnknownVersionError: A version is not in the model store.
    """
    experiment = checked(settings, options.experiment)
    announcement = prepare(settings, experiment, "check")
    logger.info(
        "%s can start: %s, until %s UTC.", experiment.id, shares_in_words(experiment), announcement.ends_at
    )  # fmt: skip
    return {"experiment": experiment.id, "variants": experiment.shares, "ends_at": announcement.ends_at.isoformat()}


def checked(settings: Settings, named: str) -> Experiment:
    """Return the experiment of a file, or of an id in the folder of experiments.

    Raises:
        DefinitionError: The file cannot be used.
        UnknownVersionError: A version is not in the model store.
    """
    path = Path(named)
    if path.suffix != ".toml":
        path = settings.experiments_folder / f"{named}.toml"
    experiment = read_experiment(path)
    for version in sorted(experiment.versions):
        ModelStore(settings.paths.bentoml).path(version)
    if experiment.is_aa_test:
        logger.info("All variants of %s serve the same: this is an A/A test.", experiment.id)
    return experiment


def shares_in_words(experiment: Experiment) -> str:
    """Return the variants with their shares."""
    return ", ".join(f"{name} {share:.0%}" for name, share in experiment.shares.items())
