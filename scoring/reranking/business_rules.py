"""The shop's rules for one list: pure functions from a ranked list to the one that may be shown.

What is excluded, included and capped always holds, for fallbacks and filled-up places too, and if it leaves fewer
products than asked for, the list is short. Diversity does what it can within that.
"""

from dataclasses import dataclass

import numpy as np

from scoring.catalogue import Catalogue
from scoring.reranking.diversity import diversify

POOL_FACTOR = 3
"""Diversity chooses among so many times the list's length, the best ones that the rules allow; at least `MIN_POOL`."""

MIN_POOL = 100


@dataclass(frozen=True)
class BusinessRules:
    """exclude: product ids. include_categories: if any, only these. exclude_categories: never these.
    max_per_category: products without a category are not counted. diversity: 0 (the ranker's list) to 1."""

    exclude: frozenset[str] = frozenset()
    include_categories: frozenset[str] = frozenset()
    exclude_categories: frozenset[str] = frozenset()
    max_per_category: int | None = None
    diversity: float = 0.0

    @property
    def is_empty(self) -> bool:
        return self == NO_RULES


NO_RULES = BusinessRules()


def eligible(catalogue: Catalogue, rules: BusinessRules) -> np.ndarray:
    """Which products may be shown at all, bool `[products]`. Unknown ids and categories touch nothing."""
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
    """Places of a ranked list that make up the slate, int64 `[at most k]`, in the list's order.

    positions: catalogue indices, best first, each once; scores: `[n]`, for what diversity may cost. The same list
    and rules give the same slate.
    """
    places = np.flatnonzero(eligible(catalogue, rules)[positions])
    enough, cap = max(POOL_FACTOR * k, MIN_POOL), rules.max_per_category
    first = np.arange(len(places))[:k] if cap is None else _capped(catalogue.category[positions[places]], cap, k)
    if rules.diversity == 0.0 or len(first) < 2:
        return places[first]
    pool = np.union1d(np.arange(len(places))[:enough], first)
    chosen = diversify(
        catalogue,
        positions[places[pool]],
        scores[places[pool]],
        np.searchsorted(pool, first),
        rules.diversity,
        cap,
    )
    picked: np.ndarray = places[pool[chosen]]
    return picked


def _numbers(catalogue: Catalogue, names: frozenset[str]) -> list[int]:
    return [catalogue.categories[name] for name in names if name in catalogue.categories]


def _capped(categories: np.ndarray, cap: int, k: int) -> np.ndarray:
    """The first `k` places of which no more than `cap` share a category; looks no further down than it must."""
    depth = 4 * k
    while True:
        found = np.flatnonzero(_place_in_category(categories[:depth]) < cap)[:k]
        if len(found) == k or depth >= len(categories):
            return found
        depth *= 8


def _place_in_category(categories: np.ndarray) -> np.ndarray:
    """How many of the same category stand before each, `[n]`; 0 for all without a category."""
    order = np.argsort(categories, kind="stable")
    ordered = categories[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    places = np.empty(len(categories), np.int64)
    places[order] = np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))
    places[categories == 0] = 0
    return places
