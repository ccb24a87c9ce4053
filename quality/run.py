"""Run one checkpoint for one run and keep its Data Docs."""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from core.files.atomic import empty_folder, remove_leftovers, replace_folder, staging_path
from quality.check import Outcome
from quality.checkpoints import Stages
from quality.errors import UnreadableError
from quality.report import lines_for_people, raise_if_critical, summary, where_to_set, write_results
from quality.thresholds import Thresholds
from settings import Settings

if TYPE_CHECKING:
    from quality.validator import Validator

logger = logging.getLogger(__name__)


def run_checkpoint(
    settings: Settings, thresholds: Thresholds, run: str, stages: Callable[[Path], Stages]
) -> dict[str, Any]:
    """Validate the checkpoint's stages and write results and Data Docs to `<data>/quality/<run>/<checkpoint>/`.

    A run of the same name is replaced.

    Args:
        settings: settings of the installation.
        thresholds: thresholds of the checkpoint.
        run: name of the run.
        stages: returns the stages, given a folder for spill files.

    Returns:
        The summary.

    Raises:
        CriticalFailureError: a critical check failed; the Data Docs are written.
        NothingToCheckError: there is no data to check.
        UnreadableError: a file cannot be read.
    """
    start, checkpoint = time.perf_counter(), thresholds.checkpoint
    folder = settings.paths.quality / run / checkpoint
    remove_leftovers(folder.parent)
    staging = empty_folder(staging_path(folder))
    (staging / "spill").mkdir()
    try:
        validator, outcomes = validate_stages(stages(staging / "spill"), staging, thresholds)
        validator.write_docs(f"Checks of the {checkpoint}, {run}", where_to_set(thresholds), outcomes)
        write_results(staging / "results.json", outcomes)
        shutil.rmtree(staging / "spill", ignore_errors=True)
        replace_folder(folder, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    page = folder / "index.html"
    logger.info(
        f"{checkpoint} {run}: {sum(outcome.success for outcome in outcomes)} of {len(outcomes)} expectations met, "
        f"{time.perf_counter() - start:.1f} s"
    )
    for line in lines_for_people(outcomes, thresholds):
        logger.info(line)
    logger.info("Data Docs: %s", page)
    raise_if_critical(thresholds, run, outcomes, page)
    return summary(checkpoint, run, outcomes, page)


def validate_stages(stages: Stages, site: Path, thresholds: Thresholds) -> tuple["Validator", list[Outcome]]:
    """Validate stage by stage, up to the first one that breaks a critical check; `site` is the folder of Data Docs."""
    checkpoint = thresholds.checkpoint
    gathered = _readable(checkpoint, stages)
    # Before the import below, which takes seconds, so that missing data is reported at once.
    stage = next(gathered, None)
    from quality.validator import Validator

    validator, outcomes = Validator(checkpoint, site), []
    while stage is not None:
        checks, frames = stage
        validated = validator.validate(thresholds.applied(checks), frames)
        outcomes += validated
        if any(not outcome.success and outcome.check.severity == "critical" for outcome in validated):
            gathered.close()
        stage = next(gathered, None)
    return validator, outcomes


def _readable(checkpoint: str, stages: Stages) -> Stages:
    """Yield the stages; errors of the Parquet readers become UnreadableError."""
    try:
        yield from stages
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UnreadableError(
            f"The files of the {checkpoint} checkpoint cannot be validated: {reason}. Repeat the step before."
        ) from error
