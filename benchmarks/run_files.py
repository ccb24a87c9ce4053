"""What the benchmarks take from a finished run's folder."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ml.errors import RunError
from ml.evaluation.ground_truth import GroundTruth, RankedLists, Slates
from ml.runs.artifacts import DATASET
from ml.runs.run import Run
from ml.runs.spec import RunSpec


def scratch_run(run: Run, spec: RunSpec, folder: Path) -> Run:
    """A new run in `folder` with the spec given and the data set of `run`: for training again, without a trace."""
    scratch = Run(folder, run.run_id)
    spec.write(scratch)
    scratch.link(DATASET, str(run.path(DATASET).resolve()))
    return scratch


def lists_of(path: Path, method: str, truth: GroundTruth, index: Mapping[str, int]) -> Slates:
    """One method's lists from a run's `lists.parquet`, in the order of the judged customers.

    index: the position of each product id in the catalogue. RunError if the file has no such method.
    """
    table = pq.read_table(path, filters=[("method", "=", method)])
    if not len(table):
        raise RunError(f"{path} has no lists of '{method}'. Run evaluate again.")
    row_of = {customer_id: row for row, customer_id in enumerate(truth.customer_ids)}
    slate = np.array(table["slate"].to_pylist())
    rows = np.array([row_of[customer_id] for customer_id in table["customer_id"].to_pylist()])
    places = table["rank"].to_numpy() - 1
    positions = np.array([index[product_id] for product_id in table["product_id"].to_pylist()])
    scores = table["score"].to_numpy()
    slates = {}
    for name in dict.fromkeys(slate.tolist()):
        mine, lists = slate == name, RankedLists.of([np.zeros(0)] * len(row_of), [np.zeros(0)] * len(row_of))
        lists.positions[rows[mine], places[mine]] = positions[mine]
        lists.scores[rows[mine], places[mine]] = scores[mine]
        slates[name] = lists
    return slates


def curve(run: Run, name: str) -> list[dict[str, float]]:
    """A learning curve that a training step left."""
    curve: list[dict[str, float]] = json.loads(run.path(name).read_text())
    return curve
