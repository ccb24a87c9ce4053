"""Judges one boundary of one run and keeps its Data Docs."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from quality.boundaries import Stages
from quality.errors import UnreadableError
from quality.report import lines_for_people, raise_if_critical, summary, write_results
from settings import Settings

Say = Callable[[str], None]


def judge_boundary(
    settings: Settings, boundary: str, run: str, stages: Callable[[Path], Stages], say: Say
) -> dict[str, Any]:
    """Judge the boundary's stages; results go to `<data>/quality/<run>/<boundary>/`, a new run of the same name
    replaces them. `stages` is given a folder to spill to. Returns the summary.

    Raises CriticalFailureError after the Data Docs are written, NothingToCheckError and UnreadableError before.
    """
    start = time.perf_counter()
    folder = settings.paths.quality / run / boundary
    staging = folder.with_name(f".{boundary}-staging")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        gathered = _readable(boundary, stages(staging / "spill"))
        stage = next(gathered, None)  # before the import below: a missing file is told at once
        from quality.checkpoint import Checkpoint  # seconds to import, so only here

        checkpoint = Checkpoint(boundary, staging)
        outcomes = []
        while stage is not None:
            judged = checkpoint.judge(*stage)
            outcomes += judged
            if any(not outcome.met and outcome.check.severity == "critical" for outcome in judged):
                gathered.close()
            stage = next(gathered, None)
        checkpoint.write_docs()
        write_results(staging / "results.json", outcomes)
        shutil.rmtree(staging / "spill", ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    page = folder / "index.html"
    say(
        f"{boundary} {run}: {sum(outcome.met for outcome in outcomes)} of {len(outcomes)} expectations met, "
        f"{time.perf_counter() - start:.1f} s"
    )
    for line in lines_for_people(outcomes):
        say(line)
    say(f"Data Docs: {page}")
    raise_if_critical(boundary, run, outcomes, page)
    return summary(boundary, run, outcomes, page)


def _readable(boundary: str, stages: Stages) -> Stages:
    """The stages; what the readers of Parquet raise becomes UnreadableError."""
    try:
        yield from stages
    except (duckdb.Error, pa.ArrowException) as error:
        reason = str(error).strip().splitlines()[0]
        raise UnreadableError(
            f"The files of the {boundary} boundary cannot be judged: {reason} Make them again by the step before."
        ) from error
