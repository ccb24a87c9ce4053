"""Generate candidates and their features at the rankers' snapshots, labelled by the weeks after."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ml.evaluation.evaluated_run import catalogue_at, retriever_with
from ml.ranking.examples import build
from ml.runs.artifacts import CANDIDATES
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset

logger = logging.getLogger(__name__)


def generate_candidates(run: Run) -> dict[str, Any]:
    """Write `candidates/<n>/`, one folder per ranker snapshot, newest first.

    Args:
        run: A run with trained towers.

    Returns:
        The number of rows, and of bought ones.
    """
    cuts = RunSpec.read(run).split.ranker
    rows, bought = 0, 0
    # Snapshots are independent, so there is one per core. Spawned, because forking a process with threads may hang it.
    workers = min(len(cuts), len(os.sched_getaffinity(0)))
    with run.publish_folder(CANDIDATES) as folder, ExitStack() as stack:
        work = repeat(run), range(len(cuts)), repeat(folder)
        counts: Iterator[Counts]
        if workers == 1:  # a further process would only take time to start
            counts = map(_snapshot, *work)
        else:
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            counts = pool.map(_snapshot, *work)
        for cut, examples in zip(cuts, counts, strict=True):
            rows, bought = rows + examples.rows, bought + examples.bought
            logger.info(
                f"snapshot {cut:%Y-%m-%d}: {examples.customers:,} customers, {examples.rows:,} candidates kept, "
                f"{examples.bought:,} bought"
            )
    return {"rows": rows, "bought": bought}


class Counts(NamedTuple):
    """Count the customers, the rows and the bought rows of one snapshot."""

    customers: int
    rows: int
    bought: int


# One thread per snapshot, because the threads of several snapshots would compete for the cores (88 s instead of 55).
@threadpool_limits.wrap(limits=1)
def _snapshot(run: Run, number: int, folder: Path) -> Counts:
    spec, data = RunSpec.read(run), dataset(run)
    cut = spec.split.ranker[number]
    ids, customers = data.customers(cut)
    retriever = retriever_with(run, spec, catalogue_at(run, spec, data, cut, customers))
    rng = np.random.default_rng([spec.seed, number])
    examples = build(retriever, ids, customers, data.labels(cut), spec.config.ranking.negative_sampling_rate, rng)
    examples.save(folder / str(number))
    return Counts(len(examples.ends), len(examples.bought), int(examples.bought.sum()))
