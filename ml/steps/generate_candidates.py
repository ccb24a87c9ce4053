"""Candidates and their features at the rankers' snapshots, labelled by the weeks after."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ml.data.dataset import Dataset
from ml.ranking.examples import RankingExamples, build
from ml.retrieval.catalogue_builder import build_catalogue
from ml.runs.artifacts import CANDIDATES, RETRIEVAL
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, VOCABULARY
from scoring.candidates.retriever import Retriever
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.two_tower import Tower
from scoring.vocabulary import Vocabulary


def generate_candidates(run: Run) -> dict[str, Any]:
    """Leave `candidates/<n>/`, one folder a ranker snapshot, newest first."""
    cuts = RunSpec.read(run).split.ranker
    rows, bought = 0, 0
    # Snapshots know nothing of each other: one a core. Spawned, because forking a process with threads may hang it.
    workers = min(len(cuts), len(os.sched_getaffinity(0)))
    with run.publish_folder(CANDIDATES) as folder, ExitStack() as stack:
        work = repeat(run), range(len(cuts)), repeat(folder)
        counts: Iterator[Counts]
        if workers == 1:  # a process more would only take time to start
            counts = map(_snapshot, *work)
        else:
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            counts = pool.map(_snapshot, *work)
        for cut, examples in zip(cuts, counts, strict=True):
            rows, bought = rows + examples.rows, bought + examples.bought
            print(
                f"snapshot {cut:%Y-%m-%d}: {examples.customers:,} customers, {examples.rows:,} candidates kept, "
                f"{examples.bought:,} of them bought",
                flush=True,
            )
    return {"rows": rows, "bought": bought}


class Counts(NamedTuple):
    customers: int
    rows: int
    bought: int


# The snapshots are the parallelism: with threads of its own each would wait for the others' (88 s instead of 55).
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


def catalogue_at(run: Run, spec: RunSpec, data: Dataset, cut: datetime, customers: list[Customer]) -> Catalogue:
    """The catalogue with this run's candidate tower at one of the run's snapshots."""
    folder = run.path(RETRIEVAL)
    return build_catalogue(
        as_of=spec.day(cut),
        products=data.products(cut),
        customers=customers,
        vocabulary=Vocabulary.load(folder / VOCABULARY),
        candidate_tower=Tower(folder / CANDIDATE_TOWER),
        config=spec.config.collaborative,
        seed=spec.seed,
    )


def retriever_with(run: Run, spec: RunSpec, catalogue: Catalogue, quotas: Mapping[str, int] | None = None) -> Retriever:
    """This run's first stage in front of a catalogue; `quotas`: instead of the configured ones."""
    return Retriever(catalogue, Tower(run.path(RETRIEVAL) / QUERY_TOWER), quotas or spec.config.candidates_per_source)


def load_examples(run: Run, spec: RunSpec) -> list[RankingExamples]:
    """The examples of every ranker snapshot."""
    folder = run.path(CANDIDATES, made_by="generate-candidates")
    return [RankingExamples.load(folder / str(number)) for number in range(len(spec.split.ranker))]
