"""Groups of evaluated customers and the scores of every method in each, because an overall mean can hide a loss.

Differences are paired by customer and tested by Student's t with one number per customer instead of the bootstrap.
Holm's correction over a hundred slices needs p-values far below 1/2001, the smallest that 2,000 resamples can give.
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
"""The minimum number of customers of a slice; smaller slices measure chance more than a method."""

SLICE_SCORES = ("all NDCG@10", "explore Recall@100")
"""The scores that are compared in every slice."""


@dataclass(frozen=True)
class Difference:
    """The mean of ours - other with its 95% interval, and the one-sided p-value for "ours is worse"."""

    mean: float
    low: float
    high: float
    p_worse: float


@dataclass(frozen=True)
class Slice:
    """One slice's means of `score` by method, and the differences between our method and each other."""

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
    """Assign each customer of a batch a value of each slice, `[customers]` strings; '' where the value is unknown.

    `baskets` and `demographics` are the groups that online features also have. `store` is the usual store if at least
    MIN_SLICE_CUSTOMERS of these customers share it, otherwise `other`. `department` is the one whose share of the
    customer's purchases is furthest above its mean share, because the largest share itself is the same department for
    nearly all customers.

    Args:
        block: The customers with a catalogue.
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
    """Compare every slice with at least MIN_SLICE_CUSTOMERS customers, except slices that contain all customers.

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
    """Apply Student's t to one paired difference per customer, `[customers]`; without variance only the sign counts."""
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    if error == 0.0:
        return Difference(mean, mean, mean, 0.0 if mean < 0 else 1.0)
    half = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return Difference(mean, mean - half, mean + half, float(stats.t.cdf(mean / error, len(values) - 1)))
