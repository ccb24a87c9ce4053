"""Choose the snapshots that train, calibrate and evaluate: training ends before the evaluation window begins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ml.customers.inputs import Inputs
from ml.customers.predictions.history import Customers, History, outcome_end
from ml.errors import NotEnoughDataError

WINDOW_WEEKS = 8
"""Length of the evaluation window, and of the one before it that calibrates. Shorter horizons fit in several times."""

TRAINING_SNAPSHOTS = 8
MAX_CUSTOMERS = 10_000
"""Maximum number of customers of a snapshot in the fit and in the evaluation: a larger sample decides no better."""


@dataclass(frozen=True)
class Examples:
    """Customers of one or several snapshots, with what they did in the horizon after it.

    Attributes:
        snapshots: the customers of each snapshot; all `n` rows follow one another in this order.
        ordered: whether there was a basket, bool `[n]`.
        spent: money, float `[n]`.
    """

    snapshots: Sequence[Customers]
    ordered: np.ndarray
    spent: np.ndarray

    @property
    def ids(self) -> list[str]:
        """Return the customer of each row, `[n]`."""
        return [customer for customers in self.snapshots for customer in customers.ids]

    def columns(self, compute: Callable[[Customers], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return columns `[n]` that are computed from the customers of each snapshot."""
        parts = [compute(customers) for customers in self.snapshots]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass(frozen=True)
class Windows:
    """The snapshots of a horizon, each with the snapshot at which its outcome is read.

    Attributes:
        training: newest first.
        recent: the part of them within the last 8 weeks before the evaluation.
        evaluation: within the newest 8 weeks.
    """

    training: Sequence[tuple[datetime, datetime]]
    recent: Sequence[tuple[datetime, datetime]]
    evaluation: Sequence[tuple[datetime, datetime]]


def windows(inputs: Inputs, weeks: int) -> Windows:
    """Choose the snapshots for a horizon.

    Raises:
        NotEnoughDataError: the tables do not reach back 16 weeks, or no outcome of the horizon can be read.
    """
    begin, before = inputs.snapshot(WINDOW_WEEKS), inputs.snapshot(2 * WINDOW_WEEKS)
    closed = [
        (snapshot, end)
        for snapshot in inputs.instants
        if (end := outcome_end(inputs.instants, snapshot, weeks)) is not None
    ]
    training = [pair for pair in closed if pair[1] <= begin][:TRAINING_SNAPSHOTS]
    recent = _apart([pair for pair in training if pair[0] >= before], weeks)
    evaluation = _apart([pair for pair in closed if pair[0] >= begin], weeks)
    if not recent or not evaluation:
        raise NotEnoughDataError(
            f"No snapshot has an outcome of {weeks} weeks; set REACH_SNAPSHOT_WEEKS to 1, 2 or 4, or bring more weeks."
        )
    return Windows(training, recent, evaluation)


def read_examples(history: History, pairs: Sequence[tuple[datetime, datetime]], weeks: int) -> Examples:
    """Read customers and outcomes of several snapshots."""
    outcomes = [history.outcomes(snapshot, end).first(end - snapshot, weeks) for snapshot, end in pairs]
    return Examples(
        [history.customers(snapshot) for snapshot, _ in pairs],
        np.concatenate([ordered for ordered, _ in outcomes]),
        np.concatenate([spent for _, spent in outcomes]),
    )


def _apart(pairs: Sequence[tuple[datetime, datetime]], weeks: int) -> list[tuple[datetime, datetime]]:
    """Return pairs whose outcomes do not overlap, oldest first."""
    kept: list[tuple[datetime, datetime]] = []
    for pair in sorted(pairs):
        if not kept or pair[0] - kept[-1][0] >= timedelta(weeks=weeks, hours=-2):
            kept.append(pair)
    return kept
