"""How good the answers of the offers are, with intervals; the customer is the unit of chance."""

from collections.abc import Callable

import numpy as np

from ml.customers.offers.pairs import Pairs
from ml.customers.part import Measure

RESAMPLES = 500
TOP = 10
"""Length of the list that NDCG looks at."""

LIST = 3
"""Coupons per customer, where the share of new pairs is compared."""

_STEPS = 40

Statistic = Callable[[np.ndarray], float]
"""A figure of rows as a function of their weights."""


def auc(scores: np.ndarray, outcome: np.ndarray) -> Statistic:
    """Return the probability, by weights, that a redeemer is scored above another contact; equal scores count half."""
    _, group = np.unique(scores, return_inverse=True)

    def statistic(weights: np.ndarray) -> float:
        positive = np.bincount(group, weights * outcome)
        negative = np.bincount(group, weights * ~outcome)
        below = np.cumsum(negative) - negative
        pairs = positive.sum() * negative.sum()
        return float((positive @ (below + negative / 2)) / pairs) if pairs else float("nan")

    return statistic


def top_share(scores: np.ndarray, outcome: np.ndarray, top: float = 0.1) -> Statistic:
    """Return which share of the redeemers, by weights, is in the best-scored tenth of the contacts."""
    order = np.argsort(-scores, kind="stable")
    redeemed = outcome[order]

    def statistic(weights: np.ndarray) -> float:
        held = weights[order]
        inside = np.clip(top * held.sum() - (np.cumsum(held) - held), 0, held)
        total = float(held @ redeemed)
        return float(inside @ redeemed) / total if total else float("nan")

    return statistic


def calibration_error(predicted: np.ndarray, outcome: np.ndarray, bins: int = 10) -> float:
    """Return the mean difference of predicted and observed frequency over bins of equally many rows."""
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(predicted[part].mean() - outcome[part].mean())) * len(part) for part in parts]
    return sum(gaps) / len(order)


def ndcg(pairs: Pairs, scores: np.ndarray) -> np.ndarray:
    """Return the normalised discounted cumulative gain at 10 of each contact; NaN for one that redeemed nothing."""
    order = np.lexsort((-scores, pairs.contact))
    rank = np.arange(len(order)) - pairs.starts[pairs.contact[order]]
    gain = np.where((rank < TOP) & pairs.redeemed[order], 1 / np.log2(rank + 2), 0.0)
    found = np.bincount(pairs.contact[order], gain, len(pairs.customers))
    redeemed = pairs.contact_redeemed.astype(int)
    ideal = np.append(0.0, np.cumsum(1 / np.log2(np.arange(TOP) + 2)))[np.minimum(redeemed, TOP)]
    return np.asarray(np.divide(found, ideal, out=np.full(len(found), np.nan), where=ideal > 0))


def interval(customers: np.ndarray, statistic: Statistic, seed: int) -> tuple[float, float]:
    """Return the 95% interval of a statistic of weighted rows, by resampling customers with all of their rows."""
    _, numbers = np.unique(customers.astype(str), return_inverse=True)
    count = int(numbers.max()) + 1
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
        found.append(statistic(drawn[numbers]))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def measure(customers: np.ndarray, statistic: Statistic, seed: int, bar: float | None = None) -> Measure:
    """Return a statistic with its interval."""
    return Measure(statistic(np.ones(len(customers))), *interval(customers, statistic, seed), bar)


def mean_measure(customers: np.ndarray, values: np.ndarray, seed: int, bar: float | None = None) -> Measure:
    """Return the mean of the values that are not NaN, with its interval."""
    known = ~np.isnan(values)
    held = values[known]

    def mean(weights: np.ndarray) -> float:
        total = weights.sum()
        return float(weights @ held / total) if total else float("nan")

    return measure(customers[known], mean, seed, bar)


def lists_by_own_baskets(pairs: Pairs) -> np.ndarray:
    """Return which pairs are in a contact's list if the coupons most bought lately come first."""
    popularity = pairs.columns["coupon_buyers_13w"].astype(float)
    tie = popularity / (float(popularity.max(initial=0)) + 1)
    return _first(pairs, pairs.columns["own_baskets_13w"] + tie)


def lists_with_new_pairs(pairs: Pairs, probability: np.ndarray, expected: float) -> np.ndarray:
    """Return lists with as many new pairs as possible whose expected redemptions are not below `expected`.

    A pair is new if the customer bought none of the coupon's products in 13 weeks. One bonus for new pairs, the same
    for all customers, trades them against redemptions.
    """
    is_new = pairs.columns["own_baskets_13w"] == 0
    low, high = 0.0, 1.0
    best = _first(pairs, probability)
    if float(probability[best].sum()) < expected:
        return best
    for _ in range(_STEPS):
        bonus = (low + high) / 2
        lists = _first(pairs, probability + bonus * is_new)
        if float(probability[lists].sum()) >= expected:
            low, best = bonus, lists
        else:
            high = bonus
    return best


def new_share(pairs: Pairs, lists: np.ndarray, seed: int, bar: float | None = None) -> Measure:
    """Return the share of new pairs in the lists, with its interval."""
    is_new = (pairs.columns["own_baskets_13w"] == 0) & lists
    count = len(pairs.customers)
    new, all_pairs = np.bincount(pairs.contact, is_new, count), np.bincount(pairs.contact, lists, count)

    def share(weights: np.ndarray) -> float:
        return float(weights @ new / (weights @ all_pairs))

    return measure(pairs.customers, share, seed, bar)


def _first(pairs: Pairs, scores: np.ndarray) -> np.ndarray:
    """Return which pairs are among the best `LIST` of their contact."""
    order = np.lexsort((-scores, pairs.contact))
    rank = np.arange(len(order)) - pairs.starts[pairs.contact[order]]
    chosen = np.zeros(len(order), bool)
    chosen[order[rank < LIST]] = True
    return chosen
