"""Habits: what the baskets of half a year show, and how well the odd and the even baskets agree about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from core.duckdb_engine import quote_identifier, quote_literal
from ml.customers.inputs import Inputs
from ml.customers.part import Measure
from ml.customers.tags.declarations import MIN_BASKETS, RELIABILITY_BAR
from ml.customers.tags.kinds import OWN_BASKETS, Habit
from ml.customers.tags.resampling import measure
from ml.customers.tags.table import days_before, rows

TABLE = "feat_customer_habits"
LEAST_CUSTOMERS = 100
SPLIT_HALF, KAPPA = "split-half reliability", "kappa of odd and even baskets"


@dataclass(frozen=True)
class HabitData:
    """Customers with enough baskets at one snapshot, sorted by id.

    Attributes:
        columns: by name, each `[customers]`; the numbers are floats, the words texts.
    """

    now: datetime
    ids: list[str]
    columns: Mapping[str, np.ndarray]


def read(inputs: Inputs, habits: Sequence[Habit]) -> HabitData:
    """Read the habits of customers with at least `MIN_BASKETS` baskets."""
    names = ["days_since_first", "days_since_last", "baskets", "baskets_odd", "baskets_even"]
    for habit in habits:
        names += [
            habit.column,
            f"{habit.column}_odd",
            f"{habit.column}_even",
            *([habit.agreement] * bool(habit.agreement)),
        ]
    with inputs.connect() as connection:
        found = connection.sql(
            f"SELECT customer_id, {', '.join(quote_identifier(name) for name in dict.fromkeys(names))} FROM {TABLE}"
            f" WHERE event_timestamp = TIMESTAMP {quote_literal(inputs.now)} AND baskets >= {MIN_BASKETS}"
            " ORDER BY customer_id"
        ).to_arrow_table()
    columns = {name: found[name].to_numpy(zero_copy_only=False) for name in found.column_names}
    return HabitData(inputs.now, found["customer_id"].to_pylist(), columns)


def halves(data: HabitData, habit: Habit) -> tuple[np.ndarray, np.ndarray]:
    """Return the habit of the odd and of the even baskets, `[customers]` each."""
    return data.columns[f"{habit.column}_odd"], data.columns[f"{habit.column}_even"]


def reliability(habit: Habit, odd: np.ndarray, even: np.ndarray, weights: np.ndarray) -> float:
    """Return how reliable a habit over all baskets is: Spearman-Brown for numbers, kappa for words.

    A habit that is the same for everybody has no reliability: NaN.
    """
    return _kappa(odd, even, weights) if habit.agreement else _spearman_brown(_correlation(odd, even, weights))


def evaluate(data: HabitData, habit: Habit, seed: int) -> Measure:
    """Return the reliability over all customers who would get the tag."""
    odd, even = halves(data, habit)
    if habit.agreement:  # numbers are resampled far faster than texts
        _, codes = np.unique(np.concatenate([odd, even]), return_inverse=True)
        odd, even = codes[: len(odd)], codes[len(odd) :]
    return measure(lambda weights: reliability(habit, odd, even, weights), len(odd), RELIABILITY_BAR, seed)


def of_one_basket(data: HabitData, habit: Habit) -> float:
    """Return the reliability of a habit seen in a single basket: what the correlation of the halves implies."""
    odd, even = halves(data, habit)
    correlation = _correlation(odd, even, np.ones(len(odd)))
    size = len(odd) / np.sum(0.5 / data.columns["baskets_odd"] + 0.5 / data.columns["baskets_even"])
    return float(correlation / (size - (size - 1) * correlation))


def publish(data: HabitData, habit: Habit, single: float, reliability: float) -> pa.Table:
    """Return the rows of a habit.

    A number's confidence is its reliability with the customer's own count of baskets (Spearman-Brown), and a customer
    below the bar has no tag. A word's confidence is the share of baskets that agree with it, at least half of them.

    Args:
        data: the newest snapshot.
        habit: one that met its bar.
        single: the reliability with a single basket; for a word unused.
        reliability: over all customers, in the window of the verdict.
    """
    baskets = data.columns["baskets"]
    values = data.columns[habit.column]
    if habit.agreement:
        confidence = data.columns[habit.agreement]
        kept = np.flatnonzero((values != "") & (confidence >= 0.5))
        texts = [str(values[row]) for row in kept]
    else:
        confidence = baskets * single / (1 + (baskets - 1) * single)
        kept = np.flatnonzero(confidence >= RELIABILITY_BAR)
        texts = [f"{values[row] + 0.0:.{habit.digits}f}" for row in kept]
    return rows(
        habit.name,
        [data.ids[row] for row in kept],
        texts,
        confidence[kept],
        baskets[kept],
        days_before(data.now, data.columns["days_since_first"][kept]),
        days_before(data.now, data.columns["days_since_last"][kept]),
        (KAPPA if habit.agreement else SPLIT_HALF, reliability),
        OWN_BASKETS,
        sensitive=False,
    )


def _correlation(odd: np.ndarray, even: np.ndarray, weights: np.ndarray) -> float:
    total = weights.sum()
    odd, even = odd - (weights @ odd) / total, even - (weights @ even) / total
    spread = float(np.sqrt((weights @ odd**2) * (weights @ even**2)))
    return float(weights @ (odd * even)) / spread if spread > 0 else float("nan")


def _spearman_brown(correlation: float) -> float:
    return 2 * correlation / (1 + correlation)


def _kappa(odd: np.ndarray, even: np.ndarray, weights: np.ndarray) -> float:
    """Return Cohen's kappa of two columns of codes or words."""
    names, codes = np.unique(np.concatenate([odd, even]), return_inverse=True)
    first, second = codes[: len(odd)], codes[len(odd) :]
    total = weights.sum()
    shares = [np.bincount(half, weights=weights, minlength=len(names)) / total for half in (first, second)]
    expected = float(shares[0] @ shares[1])
    agreed = float(weights @ (first == second)) / total
    return float((agreed - expected) / (1 - expected)) if expected < 1 else float("nan")
