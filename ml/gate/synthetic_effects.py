"""Synthetic effects for which the correct decision is known: no difference, a loss, a gain, a leak.

They change lists instead of scores, so they are evaluated like any other list.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from ml.evaluation.ground_truth import GroundTruth, RankedLists, Slates, hit_matrix
from ml.gate.purchase_evidence import PurchaseEvidence, SnapshotFeatures, product_of

HEAD = 10
SPREAD = 0.2
"""The scale of the noise in resampled lists.

On the demo's validation window the paired standard error of `all` NDCG@10 between two of them is 0.0012. Between the
model and decayed own frequency it is 0.0019. A larger scale would degrade the lists."""


def resample(slates: Slates, rng: np.random.Generator) -> Slates:
    """Draw the same lists again: Plackett-Luce on the logarithm of the rank, so that close ranks swap."""
    drawn = {}
    for slate, lists in slates.items():
        noisy_ranks = np.log(np.arange(1, lists.positions.shape[1] + 1)) - SPREAD * rng.gumbel(
            size=lists.positions.shape
        )
        noisy_ranks[lists.positions < 0] = np.inf
        order = np.argsort(noisy_ranks, axis=1)
        drawn[slate] = _rearranged(lists, np.take_along_axis(lists.positions, order, axis=1))
    return drawn


def swap_lists(one: Slates, other: Slates, rng: np.random.Generator) -> tuple[Slates, Slates]:
    """Swap two models' lists for each customer with probability 1/2, so that neither is better in expectation."""
    first, second = {}, {}
    heads = rng.random((len(one["all"].positions), 1)) < 0.5
    for slate, lists in one.items():
        first[slate] = _rearranged(lists, np.where(heads, lists.positions, other[slate].positions))
        second[slate] = _rearranged(lists, np.where(heads, other[slate].positions, lists.positions))
    return first, second


def shift_metric(truth: GroundTruth, slates: Slates, by: float, rng: np.random.Generator) -> Slates:
    """Move hits of random customers until the mean `all` NDCG@10 is `by` higher or, if negative, lower.

    A gain swaps a bought product from further down (or from outside the list) with one in the first ten that was not
    bought. A loss does the reverse.

    Raises:
        ValueError: The lists have too few hits to move.
    """
    positions = slates["all"].positions.copy()
    hits = hit_matrix(positions, truth.bought)
    discount = 1.0 / np.log2(np.arange(2, HEAD + 2))
    counts = np.array([len(items) for items in truth.bought]) + truth.missing
    ideal = np.concatenate([[1.0], np.cumsum(discount)])[np.minimum(counts, HEAD)]
    need, gain = abs(by) * (counts > 0).sum(), by > 0
    while need > 0:
        before = need
        for row in rng.permutation(len(positions)):
            candidates = np.flatnonzero(hits[row, :HEAD] != gain)
            below = HEAD + np.flatnonzero((hits[row, HEAD:] == gain) & (positions[row, HEAD:] >= 0))
            outside = np.setdiff1d(truth.bought[row], positions[row]) if gain and not len(below) else below[:0]
            if not len(candidates) or not (len(below) or len(outside)):
                continue
            rank = rng.choice(candidates)
            if len(below):
                swap = [rank, rng.choice(below)]
                positions[row, swap], hits[row, swap] = positions[row, swap[::-1]], hits[row, swap[::-1]]
            else:
                positions[row, rank], hits[row, rank] = rng.choice(outside), True
            need -= discount[rank] / ideal[row]
            if need <= 0:
                break
        if need == before:
            raise ValueError(f"These lists cannot be moved by {by:+g}: no hits are left to change places.")
    return {**slates, "all": _rearranged(slates["all"], positions)}


def inject_leaks(purchases: PurchaseEvidence) -> Mapping[str, PurchaseEvidence]:
    """Return the purchases with each of three leaks, by the name of the leak."""
    split, evaluation = purchases.split, purchases.split.evaluation
    ranker = [evaluation, *split.ranker]
    return {
        "a feature one week too new": _with_buyers(purchases, {evaluation: _next_week(purchases)}),
        "the target's popularity": _with_buyers(
            purchases,
            {at: _buyers(known, purchases.labels[at]) for at, known in purchases.known.items() if at in ranker},
        ),
        "the test window in training": replace(purchases, split=replace(split, ranker=ranker)),
    }


def _with_buyers(purchases: PurchaseEvidence, buyers: Mapping[date, np.ndarray]) -> PurchaseEvidence:
    known = {
        at: replace(known, activity={**known.activity, "buyers_4w": buyers[at]}) if at in buyers else known
        for at, known in purchases.known.items()
    }
    return replace(purchases, known=known)


def _next_week(purchases: PurchaseEvidence) -> np.ndarray:
    """Return `buyers_4w` of the evaluation snapshot plus the buyers of the week after it.

    Only first and last purchases are dated, so a buyer whose first and last purchase lie outside that week is missing.
    """
    now, evaluation = purchases.known[purchases.split.now], purchases.split.evaluation
    age = (purchases.split.now - evaluation) / timedelta(days=1)
    days = np.stack([now.history["days_since_first"], now.history["days_since_last"]])
    week = ((days <= age) & (days > age - 7)).any(axis=0)
    known = purchases.known[evaluation]
    next_week: np.ndarray = known.activity["buyers_4w"] + _buyers(known, now.keys[week])
    return next_week


def _buyers(known: SnapshotFeatures, keys: np.ndarray) -> np.ndarray:
    """Return how many of the keys contain each product on offer."""
    counts = np.bincount(product_of(keys), minlength=int(known.product.max()) + 1)
    buyers: np.ndarray = counts[known.product].astype(np.float64)
    return buyers


def _rearranged(lists: RankedLists, positions: np.ndarray) -> RankedLists:
    """Return the lists with other products at the same ranks; the scores by rank stay the same."""
    return replace(lists, positions=positions)
