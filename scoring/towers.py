"""The two towers outside TensorFlow: their inputs as arrays, their weights in ONNX Runtime."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

# Read when the library is first imported: without it ONNX Runtime reports its use and writes to the home folder.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from scoring.customer import Customer
from scoring.schema import PROFILE

HISTORY_LENGTH = 128
"""Products of a history that the query tower sees: those with the highest `decayed_120d`."""

HISTORY_WEIGHTS = ("decayed_20d", "decayed_60d", "decayed_120d")
"""Each weighting pools the history once: what is bought these weeks, these months, all year."""

QUERY_FIELDS = ("product_id", "product_type", "category", "manufacturer_id")
"""The history's products enter the query tower by these numbers."""

CANDIDATE_FIELDS = ("product_id", "product_type", "category", "department", "manufacturer_id", "brand")


def open_session(path: Path) -> ort.InferenceSession:
    """An ONNX model that computes on the calling thread; the server's threads are the parallelism."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def signed_log(values: np.ndarray) -> np.ndarray:
    """sign(x) log(1 + |x|): keeps the sign and tames counts, money and days alike."""
    return np.sign(values) * np.log1p(np.abs(values))


def query_inputs(
    customers: Sequence[Customer], index: Mapping[str, int], codes: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Arrays for the query tower, from customers and the catalogue's `index` and `codes`.

    `history_<field>`: int32 `[customers, HISTORY_LENGTH]` for each of `QUERY_FIELDS`, 0 where there is none;
    `history_weights`: float32 `[customers, HISTORY_LENGTH, len(HISTORY_WEIGHTS)]`, each weighting sums to 1;
    `profile`: float32 `[customers, len(PROFILE)]`, signed logarithms.
    """
    shape = (len(customers), HISTORY_LENGTH)
    inputs = {f"history_{field}": np.zeros(shape, np.int32) for field in QUERY_FIELDS}
    weights = np.zeros((*shape, len(HISTORY_WEIGHTS)), np.float32)
    profile = np.zeros((len(customers), len(PROFILE)), np.float32)
    for row, customer in enumerate(customers):
        profile[row] = [customer.profile[name] for name in PROFILE]
        top = np.argsort(-customer.history["decayed_120d"], kind="stable")[:HISTORY_LENGTH]
        found = np.array([index.get(customer.product_ids[i], -1) for i in top], dtype=np.int64)
        positions, picks = found[found >= 0], top[found >= 0]
        n = len(positions)
        for field in QUERY_FIELDS:
            inputs[f"history_{field}"][row, :n] = codes[field][positions]
        for j, name in enumerate(HISTORY_WEIGHTS):
            weight = customer.history[name][picks]
            weights[row, :n, j] = weight / max(float(weight.sum()), 1e-9)
    return inputs | {"history_weights": weights, "profile": signed_log(profile)}


def candidate_inputs(codes: Mapping[str, np.ndarray], activity: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays for the candidate tower: int32 `[products]` for each of `CANDIDATE_FIELDS` and
    `activity`, float32 `[products, len(ACTIVITY)]`, signed logarithms."""
    return {field: codes[field] for field in CANDIDATE_FIELDS} | {"activity": signed_log(activity).astype(np.float32)}


class Tower:
    """A tower that turns its inputs into L2-normalised vectors `[rows, dimensions]`."""

    def __init__(self, path: Path):
        self._session = open_session(path)
        self._names = {node.name for node in self._session.get_inputs()}

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return self._session.run(None, {name: inputs[name] for name in self._names})[0]
