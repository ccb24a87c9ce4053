"""Groups of judged customers, and how every method serves each: a mean over everybody can hide who loses.

Differences are paired by customer and tested by Student's t on one customer a number, not by the bootstrap: Holm's
correction over a hundred slices asks for p-values far below the 1/2001 that two thousand resamples can show.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from scoring.candidates.customer_batch import CustomerBatch
from scoring.reranking.group_fallback import CUSTOMER_GROUPS

MIN_SLICE_CUSTOMERS = 50
"""Customers below which a slice says more about chance than about a method."""

SLICE_SCORES = ("all NDCG@10", "explore Recall@100")
"""Scores that are looked at slice by slice."""


@dataclass(frozen=True)
class Difference:
    """Mean of ours - other with its 95% interval; p_worse: one-sided, small where ours is worse than chance allows."""

    mean: float
    low: float
    high: float
    p_worse: float


@dataclass(frozen=True)
class Slice:
    """Customers with `value` in the slice `slice`: every method's mean of `score`, ours against each other one."""

    slice: str
    value: str
    score: str
    customers: int
    means: Mapping[str, float]
    against: Mapping[str, Difference]

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Slice":
        """Read one row of `slices.json`."""
        return cls(**{**row, "against": {other: Difference(**values) for other, values in row["against"].items()}})


def assign_slices(block: CustomerBatch, departments: Sequence[str]) -> dict[str, np.ndarray]:
    """Assign each customer of a batch a value of each slice, `[customers]` strings; '' where none is known.

    `baskets` and `demographics` are the groups that online features have too. `store` is the usual store if at least
    MIN_SLICE_CUSTOMERS of these customers share it, otherwise `other`. `department` is the one whose share of the
    customer's purchases is furthest above its mean share, because the largest share itself is the same department for
    nearly everybody.

    Args:
        block: The customers in front of a catalogue.
        departments: Names of the codes 1, 2, ….
    """
    assigned = {name: np.array([segment(c) for c in block.customers]) for name, segment in CUSTOMER_GROUPS.items()}
    stores = [customer.traits["store_id"] for customer in block.customers]
    usual = {store for store, n in Counter(stores).items() if n >= MIN_SLICE_CUSTOMERS}
    assigned["store"] = np.array([store if store in usual or not store else "other" for store in stores])

    codes = block.catalogue.codes["department"]
    bought = np.stack(
        [
            np.bincount(codes[positions], block.history(row, "baskets"), minlength=len(departments) + 1)
            for row, positions in enumerate(block.positions)
        ]
    )
    bought[:, 0] = 0.0  # code 0 is "unknown", not a department
    totals = bought.sum(axis=1, keepdims=True)
    shares = bought / np.maximum(totals, 1.0)
    beyond = np.argmax(shares - shares.mean(axis=0), axis=1)
    names = np.array(["", *departments])
    assigned["department"] = np.where(totals[:, 0] > 0, names[beyond], "")
    return assigned


def compare_slices(
    assigned: Mapping[str, np.ndarray], scores: Mapping[str, Mapping[str, np.ndarray]], ours: str
) -> list[Slice]:
    """Compare every slice with at least MIN_SLICE_CUSTOMERS customers; a slice that holds everybody is left out.

    Args:
        assigned: The value of each slice for each customer.
        scores: Scores by method and score name, `[customers]`, as in Results.
        ours: The method that is compared with every other one.
    """
    found = []
    for name, values in assigned.items():
        for value in sorted(set(values.tolist()) - {""}):
            members = values == value
            if members.all():
                continue
            for score in SLICE_SCORES:
                evaluated = members & ~np.isnan(scores[ours][score])
                if evaluated.sum() < MIN_SLICE_CUSTOMERS:
                    continue
                values_of = {method: columns[score][evaluated] for method, columns in scores.items()}
                found.append(
                    Slice(
                        slice=name,
                        value=value,
                        score=score,
                        customers=int(evaluated.sum()),
                        means={method: float(column.mean()) for method, column in values_of.items()},
                        against={m: difference(values_of[ours] - values_of[m]) for m in values_of if m != ours},
                    )
                )
    return found


def difference(values: np.ndarray) -> Difference:
    """Student's t on one paired difference a customer, `[customers]`; lists that are all alike show nothing."""
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    if error == 0.0:
        return Difference(mean, mean, mean, 0.0 if mean < 0 else 1.0)
    half = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return Difference(mean, mean - half, mean + half, float(stats.t.cdf(mean / error, len(values) - 1)))
