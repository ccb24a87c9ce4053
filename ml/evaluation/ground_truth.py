"""Ground truth of the evaluation window, and the scores of lists against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ml.metrics import DEPTH, METRICS, coverage


@dataclass(frozen=True)
class GroundTruth:
    """Hold the purchases of the evaluated customers in the window.

    Attributes:
        customer_ids: Customers with a purchase before the snapshot and one in the window, `[customers]`.
        bought: For each customer the catalogue indices of distinct products bought in the window.
        history: For each customer the catalogue indices of everything bought before the snapshot.
        missing: For each customer how many products bought in the window are not in the catalogue. These stay in the
            denominator of `all` and `explore`.
    """

    customer_ids: list[str]
    bought: list[np.ndarray]
    history: list[np.ndarray]
    missing: np.ndarray

    def relevant(self, part: str) -> list[np.ndarray]:
        """Return the relevant products of each customer for one of `all`, `repeat`, `explore`."""
        if part == "all":
            return self.bought
        pairs = zip(self.bought, self._is_repeat, strict=True)
        return [items[is_repeat == (part == "repeat")] for items, is_repeat in pairs]

    @cached_property
    def _is_repeat(self) -> list[np.ndarray]:
        return is_in(self.bought, self.history)


@dataclass(frozen=True)
class RankedLists:
    """One method's lists for one slate, each array `[customers, DEPTH]`.

    Attributes:
        positions: Catalogue indices, -1 where a list ends.
        scores: The scores, NaN where a list ends.
        sources: The index of the source that is credited with the product, -1 where there is none.
    """

    positions: np.ndarray
    scores: np.ndarray
    sources: np.ndarray

    @classmethod
    def of(
        cls,
        positions: Sequence[np.ndarray],
        scores: Sequence[np.ndarray],
        sources: Sequence[np.ndarray] | None = None,
    ) -> "RankedLists":
        """Put lists of any length into arrays, and truncate them at DEPTH."""
        shape = (len(positions), DEPTH)
        lists = cls(np.full(shape, -1), np.full(shape, np.nan), np.full(shape, -1))
        for row, (items, values) in enumerate(zip(positions, scores, strict=True)):
            n = min(len(items), DEPTH)
            lists.positions[row, :n] = items[:n]
            lists.scores[row, :n] = values[:n]
            if sources is not None:
                lists.sources[row, :n] = sources[row][:n]
        return lists


Slates = dict[str, RankedLists]
"""A method's lists by slate (`all`, `explore`)."""


def evaluate_lists(truth: GroundTruth, slates: Slates) -> dict[str, np.ndarray]:
    """Return every score of a method, float `[customers]` by name such as `all NDCG@10`.

    A score is NaN for a customer without relevant purchases.
    """
    scores = {}
    for part, metrics in METRICS.items():
        relevant = truth.relevant(part)
        hits = hit_matrix(slates["all" if part == "repeat" else part].positions, relevant)
        counts = np.array([len(items) for items in relevant])
        if part != "repeat":
            counts = counts + truth.missing
        for name, (metric, k) in metrics.items():
            scores[f"{part} {name}"] = metric(hits, counts, k)
    return scores


def hit_matrix(positions: np.ndarray, relevant: Sequence[np.ndarray]) -> np.ndarray:
    """Return whether each listed product is relevant for its customer, bool like `positions` `[customers, depth]`."""
    return np.stack(is_in(list(positions), relevant))


def is_in(rows: Sequence[np.ndarray], among: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return for each row which of its indices are also in the same row of `among`, by one search for all rows."""
    if not len(rows):
        return []
    left, right = np.concatenate(rows), np.concatenate(among)
    # Every row gets its own range of numbers; indices start at -1.
    width = 2 + int(max(left.max(initial=0), right.max(initial=0)))
    lengths = [len(row) for row in rows]
    left = left + 1 + width * np.repeat(np.arange(len(rows)), lengths)
    right = right + 1 + width * np.repeat(np.arange(len(among)), [len(row) for row in among])
    # The numbers are nearly sorted already, so sorting and searching are several times faster than np.isin.
    right = np.append(np.sort(right), -1)
    return np.split(right[np.searchsorted(right[:-1], left)] == left, np.cumsum(lengths)[:-1])


def coverages(slates: Slates) -> dict[str, int]:
    """Return the number of different products in the first ten of each slate."""
    return {f"{slate} coverage@10": coverage(lists.positions, 10) for slate, lists in slates.items()}
