"""Judges one boundary of one run and keeps its Data Docs."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from core.atomic_files import empty_folder, remove_leftovers, replace_folder, staging_path
from quality.boundaries import Stages
from quality.check import Outcome
from quality.errors import UnreadableError
from quality.report import lines_for_people, raise_if_critical, summary, where_to_set, write_results
from quality.thresholds import Thresholds
from settings import Settings

if TYPE_CHECKING:
    from quality.checkpoint import Checkpoint

Say = Callable[[str], None]


def validate_boundary(
    settings: Settings, thresholds: Thresholds, run: str, stages: Callable[[Path], Stages], say: Say
) -> dict[str, Any]:
    """Validate the boundary's stages and write results and Data Docs to `<data>/quality/<run>/<boundary>/`.

    A run of the same name is replaced.

    Args:
        settings: settings of the installation.
        thresholds: thresholds of the boundary.
        run: name of the run.
        stages: returns the stages, given a folder for spill files.
        say: prints one line.

    Returns:
        The summary.

    Raises:
        CriticalFailureError: a critical check failed; the Data Docs are written.
        NothingToCheckError: there is no data to check.
        UnreadableError: a file cannot be read.
    """
    start, boundary = time.perf_counter(), thresholds.boundary
    folder = settings.paths.quality / run / boundary
    remove_leftovers(folder.parent)
    staging = empty_folder(staging_path(folder))
    (staging / "spill").mkdir()
    try:
        checkpoint, outcomes = validate_stages(stages(staging / "spill"), staging, thresholds)
        checkpoint.write_docs(f"Checks of the {boundary}, {run}", where_to_set(thresholds), outcomes)
        write_results(staging / "results.json", outcomes)
        shutil.rmtree(staging / "spill", ignore_errors=True)
        replace_folder(folder, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    page = folder / "index.html"
    say(
        f"{boundary} {run}: {sum(outcome.met for outcome in outcomes)} of {len(outcomes)} expectations met, "
        f"{time.perf_counter() - start:.1f} s"
    )
    for line in lines_for_people(outcomes, thresholds):
        say(line)
    say(f"Data Docs: {page}")
    raise_if_critical(thresholds, run, outcomes, page)
    return summary(boundary, run, outcomes, page)


def validate_stages(stages: Stages, site: Path, thresholds: Thresholds) -> tuple["Checkpoint", list[Outcome]]:
    """Validate stage by stage, up to the first one that breaks a critical check; Data Docs will belong in `site`."""
    boundary = thresholds.boundary
    gathered = _readable(boundary, stages)
    # Before the import below, which takes seconds, so that missing data is reported at once.
    stage = next(gathered, None)
    from quality.checkpoint import Checkpoint

    checkpoint, outcomes = Checkpoint(boundary, site), []
    while stage is not None:
        checks, frames = stage
        validated = checkpoint.validate(thresholds.applied(checks), frames)
        outcomes += validated
        if any(not outcome.met and outcome.check.severity == "critical" for outcome in validated):
            gathered.close()
        stage = next(gathered, None)
    return checkpoint, outcomes


def _readable(boundary: str, stages: Stages) -> Stages:
    """The stages; what the readers of Parquet raise becomes UnreadableError."""
    try:
        yield from stages
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UnreadableError(
            f"The files of the {boundary} boundary cannot be validated: {reason}. Make them again by the step before."
        ) from error
