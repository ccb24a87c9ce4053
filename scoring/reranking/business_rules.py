"""The business rules of one list: pure functions from a ranked list to the list that may be shown.

Exclusions, inclusions and caps always hold, also for fallbacks and filled-up lists. If they leave fewer products than
requested, the list is short. Diversity works within them.
"""

from dataclasses import dataclass

import numpy as np

from scoring.catalogue import Catalogue
from scoring.reranking.diversity import diversify

POOL_FACTOR = 3
"""Diversity chooses among this many times the list's length of eligible products, and at least among `MIN_POOL`."""

MIN_POOL = 100


@dataclass(frozen=True)
class BusinessRules:
    """The business rules of a request.

    Attributes:
        exclude: Product ids that must not be shown.
        include_categories: If there are any, only products of these are shown.
        exclude_categories: Products of these are not shown.
        max_per_category: At most this many products of one category; products without a category do not count.
        diversity: 0 (the ranker's list) to 1.
    """

    exclude: frozenset[str] = frozenset()
    include_categories: frozenset[str] = frozenset()
    exclude_categories: frozenset[str] = frozenset()
    max_per_category: int | None = None
    diversity: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether there is no rule."""
        return self == NO_RULES


NO_RULES = BusinessRules()


def eligible(catalogue: Catalogue, rules: BusinessRules) -> np.ndarray:
    """Return which products may be shown, bool `[products]`. Unknown ids and categories have no effect."""
    is_allowed = np.ones(len(catalogue), bool)
    if rules.include_categories or rules.exclude_categories:
        by_category = np.full(len(catalogue.categories), not rules.include_categories)
        by_category[_numbers(catalogue, rules.include_categories)] = True
        by_category[_numbers(catalogue, rules.exclude_categories)] = False
        is_allowed = by_category[catalogue.category]
    positions = [catalogue.index[product_id] for product_id in rules.exclude if product_id in catalogue.index]
    is_allowed[positions] = False
    return is_allowed


def apply_business_rules(
    catalogue: Catalogue, positions: np.ndarray, scores: np.ndarray, rules: BusinessRules, k: int
) -> np.ndarray:
    """Return the ranks of a ranked list that make up the slate, int64 `[at most k]`, in the list's order.

    The same list and rules give the same slate.

    Args:
        catalogue: The products.
        positions: Catalogue indices, best first, each once.
        scores: `[n]`; diversity trades them.
        rules: The business rules.
        k: The length of the slate.
    """
    ranks = np.flatnonzero(eligible(catalogue, rules)[positions])
    enough, cap = max(POOL_FACTOR * k, MIN_POOL), rules.max_per_category
    first = np.arange(len(ranks))[:k] if cap is None else _capped(catalogue.category[positions[ranks]], cap, k)
    if rules.diversity == 0.0 or len(first) < 2:
        return ranks[first]
    pool = np.union1d(np.arange(len(ranks))[:enough], first)
    chosen = diversify(
        catalogue,
        positions[ranks[pool]],
        scores[ranks[pool]],
        np.searchsorted(pool, first),
        rules.diversity,
        cap,
    )
    picked: np.ndarray = ranks[pool[chosen]]
    return picked


def _numbers(catalogue: Catalogue, names: frozenset[str]) -> list[int]:
    return [catalogue.categories[name] for name in names if name in catalogue.categories]


def _capped(categories: np.ndarray, cap: int, k: int) -> np.ndarray:
    """Return the first `k` ranks with at most `cap` per category, without reading more than necessary."""
    depth = 4 * k
    while True:
        found = np.flatnonzero(_rank_in_category(categories[:depth]) < cap)[:k]
        if len(found) == k or depth >= len(categories):
            return found
        depth *= 8


def _rank_in_category(categories: np.ndarray) -> np.ndarray:
    """Return how many products of the same category precede each, `[n]`; 0 for products without a category."""
    order = np.argsort(categories, kind="stable")
    ordered = categories[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    ranks = np.empty(len(categories), np.int64)
    ranks[order] = np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))
    ranks[categories == 0] = 0
    return ranks
