"""The two towers in ONNX Runtime, and their inputs as arrays."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# ONNX Runtime reads this at its first import; without it, it sends telemetry and writes to the home folder.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.schema import PROFILE

HISTORY_LENGTH = 128
"""Products of a history that the query tower reads: those with the highest `decayed_120d`."""

HISTORY_WEIGHTS = ("decayed_20d", "decayed_60d", "decayed_120d")
"""Each weighting pools the history once: by purchases of the last weeks, of the last months, and of the year."""

QUERY_FIELDS = ("product_id", "product_type", "category", "manufacturer_id")
"""The codes by which the history's products enter the query tower."""

SEQUENCE_LENGTH = 40
"""Products of a history that a sequence encoder reads: those bought last, the latest purchase at the end."""

SEQUENCE_TIMES = ("days_since_last", "days_to_next", "baskets")
"""Numbers of a step of the sequence: days since the last purchase, days until the next step, and number of baskets.

Without them a sequence has neither time nor habit.
"""

SEQUENCE_PREFIX = "sequence_"
"""Inputs of the query tower whose names begin so are for sequence encoders only."""

CANDIDATE_FIELDS = ("product_id", "product_type", "category", "department", "manufacturer_id", "brand")


def open_session(path: Path) -> ort.InferenceSession:
    """Open an ONNX model that computes on the calling thread, because the server's threads are the parallelism."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def signed_log(values: np.ndarray) -> np.ndarray:
    """Return sign(x) log(1 + |x|), which keeps the sign and compresses counts, money and days."""
    signed_log: np.ndarray = np.sign(values) * np.log1p(np.abs(values))
    return signed_log


def query_inputs(
    bought: PurchaseMatrix, codes: Mapping[str, np.ndarray], sequences: bool = False
) -> dict[str, np.ndarray]:
    """Return the arrays for the query tower.

    Args:
        bought: The customers' purchases.
        codes: The catalogue's codes.
        sequences: Whether to add `sequence_inputs`.

    Returns:
        `history_<field>`: int32 `[customers, HISTORY_LENGTH]` for each of `QUERY_FIELDS`, 0 where there is no product;
        `history_weights`: float32 `[customers, HISTORY_LENGTH, len(HISTORY_WEIGHTS)]`, each weighting sums to 1;
        `profile`: float32 `[customers, len(PROFILE)]`, signed logarithms.
    """
    shape = (len(bought.customers), HISTORY_LENGTH)
    inputs = {f"history_{field}": np.zeros(shape, np.int32) for field in QUERY_FIELDS}
    weights = np.zeros((*shape, len(HISTORY_WEIGHTS)), np.float32)
    profile = np.zeros((len(bought.customers), len(PROFILE)), np.float32)
    for row, customer in enumerate(bought.customers):
        profile[row] = [customer.profile[name] for name in PROFILE]
        top = np.argsort(-customer.history["decayed_120d"], kind="stable")[:HISTORY_LENGTH]
        found = bought.found[row][top]
        positions, picks = found[found >= 0], top[found >= 0]
        history = [customer.history[name][picks] for name in HISTORY_WEIGHTS]
        if customer.recent.seen:
            positions, history = _with_seen(bought, row, positions, history)
        n = len(positions)
        for field in QUERY_FIELDS:
            inputs[f"history_{field}"][row, :n] = codes[field][positions]
        for j, weight in enumerate(history):
            weights[row, :n, j] = weight / max(float(weight.sum()), 1e-9)
    pooled: dict[str, np.ndarray] = inputs | {"history_weights": weights, "profile": signed_log(profile)}
    return pooled | sequence_inputs(bought, codes) if sequences else pooled


def _with_seen(
    bought: PurchaseMatrix, row: int, positions: np.ndarray, history: list[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Add the products of a customer's recent interest to the history, each with its own weight.

    A product that is not in the history takes a place of its own; if there is none left, the least of the history goes.
    """
    interest: dict[int, float] = {}
    for position, each in zip(bought.seen[row].tolist(), bought.customers[row].recent.seen, strict=True):
        if position >= 0 and each.history > 0:
            interest[position] = max(interest.get(position, 0.0), each.history)
    index = {position: i for i, position in enumerate(positions.tolist())}
    new = np.array([position for position in interest if position not in index][:HISTORY_LENGTH], np.int64)
    kept = min(len(positions), HISTORY_LENGTH - len(new))
    positions = np.concatenate([positions[:kept], new])
    added = np.array([interest.get(position, 0.0) for position in positions.tolist()], np.float32)
    return positions, [np.concatenate([weight[:kept], np.zeros(len(new), np.float32)]) + added for weight in history]


def sequence_inputs(bought: PurchaseMatrix, codes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays for a query tower with a sequence encoder: the products bought last, oldest first, padded.

    Args:
        bought: The customers' purchases.
        codes: The catalogue's codes.

    Returns:
        `sequence_<field>`: int32 `[customers, SEQUENCE_LENGTH]` for each of `QUERY_FIELDS`, 0 where there is none;
        `sequence_times`: float32 `[customers, SEQUENCE_LENGTH, len(SEQUENCE_TIMES)]`, log(1 + days or baskets);
        `sequence_mask`: float32 `[customers, SEQUENCE_LENGTH]`, 1 where there is a product.
    """
    shape = (len(bought.customers), SEQUENCE_LENGTH)
    inputs = {f"sequence_{field}": np.zeros(shape, np.int32) for field in QUERY_FIELDS}
    times = np.zeros((*shape, len(SEQUENCE_TIMES)), np.float32)
    mask = np.zeros(shape, np.float32)
    for row, customer in enumerate(bought.customers):
        found, known = bought.found[row], bought.picks[row]
        days, habit = customer.history["days_since_last"][known], customer.history["decayed_120d"][known]
        latest = np.lexsort((-habit, days))[:SEQUENCE_LENGTH][::-1]  # of one basket the most habitual comes last
        n, picks = len(latest), known[latest]
        for field in QUERY_FIELDS:
            inputs[f"sequence_{field}"][row, :n] = codes[field][found[picks]]
        days = days[latest]
        until_next = days - np.append(days[1:], 0.0)  # the last step's next one is now
        times[row, :n] = np.log1p(np.column_stack([days, until_next, customer.history["baskets"][picks]]))
        mask[row, :n] = 1.0
    return inputs | {"sequence_times": times, "sequence_mask": mask}


def candidate_inputs(codes: Mapping[str, np.ndarray], activity: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays for the candidate tower.

    Returns:
        int32 `[products]` for each of `CANDIDATE_FIELDS`, and `activity`, float32 `[products, len(ACTIVITY)]` as signed
        logarithms.
    """
    return {field: codes[field] for field in CANDIDATE_FIELDS} | {"activity": signed_log(activity).astype(np.float32)}


class Tower:
    """A tower that turns its inputs into L2-normalised vectors `[rows, dimensions]`."""

    def __init__(self, path: Path):
        self._session = open_session(path)
        self._names = {node.name for node in self._session.get_inputs()}

    @property
    def reads_sequences(self) -> bool:
        """Whether the tower has a sequence encoder, so that it also needs `sequence_inputs`."""
        return any(name.startswith(SEQUENCE_PREFIX) for name in self._names)

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Return the vectors of the inputs, float32 `[rows, dimensions]`."""
        vectors: np.ndarray = self._session.run(None, {name: inputs[name] for name in self._names})[0]
        return vectors
