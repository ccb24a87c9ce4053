"""Read what the benchmarks need from a finished run's folder."""

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
    """Create a run in `folder` with `spec` and the data set of `run`, so that training leaves `run` unchanged."""
    scratch = Run(folder, run.run_id)
    spec.write(scratch)
    scratch.link(DATASET, str(run.path(DATASET).resolve()))
    return scratch


def lists_of(path: Path, method: str, truth: GroundTruth, index: Mapping[str, int]) -> Slates:
    """Return one method's lists from a run's `lists.parquet`, in the order of the evaluated customers.

    Args:
        path: The file.
        method: Name of the method.
        truth: The evaluated customers.
        index: Catalogue index of each product id.

    Raises:
        RunError: The file has no such method.
    """
    table = pq.read_table(path, filters=[("method", "=", method)])
    if not len(table):
        raise RunError(f"{path} has no lists of '{method}'. Run evaluate again.")
    row_of = {customer_id: row for row, customer_id in enumerate(truth.customer_ids)}
    slate = np.array(table["slate"].to_pylist())
    rows = np.array([row_of[customer_id] for customer_id in table["customer_id"].to_pylist()])
    ranks = table["rank"].to_numpy() - 1
    positions = np.array([index[product_id] for product_id in table["product_id"].to_pylist()])
    scores = table["score"].to_numpy()
    slates = {}
    for name in dict.fromkeys(slate.tolist()):
        of_slate, lists = slate == name, RankedLists.of([np.zeros(0)] * len(row_of), [np.zeros(0)] * len(row_of))
        lists.positions[rows[of_slate], ranks[of_slate]] = positions[of_slate]
        lists.scores[rows[of_slate], ranks[of_slate]] = scores[of_slate]
        slates[name] = lists
    return slates


def curve(run: Run, name: str) -> list[dict[str, float]]:
    """Return a learning curve that a training step wrote."""
    curve: list[dict[str, float]] = json.loads(run.path(name).read_text())
    return curve
