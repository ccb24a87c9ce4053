"""Merge the products that the sources propose into the candidates of a customer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import NO_SCORE, NonPersonalisedSource, RepeatSource
from scoring.candidates.sources import SOURCES
from scoring.models.ann_index import AnnIndex

EMPTY = np.zeros(0, np.int64)

MIN_SCORE = np.float32(-1e6)
"""The score of a candidate that a source has no score for."""

REQUESTED = -1
"""Instead of a source's index: no source put the product forward, the request named it."""


@dataclass(frozen=True)
class Candidates:
    """Candidates of one customer.

    Attributes:
        positions: Catalogue indices, int64 `[n]`, purchased products first.
        source: For each the index in `SOURCES` of the source that ranked it best, `[n]`, or `REQUESTED`.
        is_repeat: Whether the customer bought it before, bool `[n]`.
        scores: Every source's score of every candidate, float32 `[n]` each.
        ranks: The candidate's rank in each source's list, 0 the first, float32 `[n]` each; the source's quota if it did
            not put the candidate forward.
    """

    positions: np.ndarray
    source: np.ndarray
    is_repeat: np.ndarray
    scores: Mapping[str, np.ndarray]
    ranks: Mapping[str, np.ndarray]


def generate_candidates(
    batch: CustomerBatch,
    active: ProductSubset,
    quotas: Mapping[str, int],
    index: AnnIndex | None = None,
    restrict_to: np.ndarray | None = None,
) -> list[Candidates]:
    """Return the candidates of every customer of a batch.

    Args:
        batch: The customers.
        active: The products that may be proposed to customers who never bought them.
        quotas: How many products each source may propose. A `RepeatSource` proposes purchased products, every other
            source active products that the customer never bought.
        index: An index of the active products' vectors, which finds the lists of vector searches.
        restrict_to: Catalogue indices that replace the sources' candidates; the sources still score and rank them.
    """
    silent = {name for name in quotas if not SOURCES[name].applies_to(batch)}
    repeats = {name for name in quotas if isinstance(SOURCES[name], RepeatSource)}
    searched = {name for name in quotas if SOURCES[name].is_vector_search and index is not None}
    # These sources score only the candidates of other sources, so they do not read all active products.
    late = {name for name, quota in quotas.items() if quota == 0 and name not in repeats} | searched
    late -= silent
    scores = {name: SOURCES[name].score(batch, active) for name in quotas if name not in repeats | late | silent}
    asked = {name: 0 if name in silent else quota for name, quota in quotas.items()}
    lists = [_top_k_per_source(batch, row, active, scores, asked, index) for row in range(len(batch.customers))]
    unions = [_union(found) for found in lists]
    if restrict_to is not None:
        unions = [_requested(batch, row, restrict_to, *union) for row, union in enumerate(unions)]
    # Purchased products with hardly any other buyers are not active; they are few, and scored separately.
    beyond = ProductSubset(
        batch.catalogue, np.unique(np.concatenate([p[active.index_of[p] < 0] for p, _ in unions] or [EMPTY]))
    )
    scores_beyond = {name: SOURCES[name].score(batch, beyond) for name in scores} if len(beyond) else {}
    everything = ProductSubset(
        batch.catalogue, np.unique(np.concatenate([p for p, _ in unions] or [EMPTY])) if late else EMPTY
    )
    scores_late = {name: SOURCES[name].score(batch, everything) for name in quotas if name in late}
    result = []
    for row, (positions, source) in enumerate(unions):
        purchased = batch.index_of_purchased(row, positions)
        in_active = active.index_of[positions]
        off = np.flatnonzero(in_active < 0)
        in_beyond = np.searchsorted(beyond.positions, positions[off])
        of_candidates = {}
        for name in quotas:
            values: np.ndarray
            each = SOURCES[name]
            if name in silent:
                values = np.zeros(len(positions), np.float32)
            elif isinstance(each, RepeatSource):
                values = np.append(each.score_purchased(batch, row), NO_SCORE)[purchased]
            elif name in late:
                values = scores_late[name][row][np.searchsorted(everything.positions, positions)]
            else:
                values = scores[name][row][in_active]
                if len(off):
                    values[off] = scores_beyond[name][row][in_beyond]
            of_candidates[name] = np.maximum(values, MIN_SCORE)
        ranks = _ranks(lists[row], positions, quotas)
        result.append(Candidates(positions, source, purchased >= 0, of_candidates, ranks))
    return result


def _top_k_per_source(
    batch: CustomerBatch,
    row: int,
    active: ProductSubset,
    scores: Mapping[str, np.ndarray],
    quotas: Mapping[str, int],
    index: AnnIndex | None,
) -> dict[str, np.ndarray]:
    """Return what each source puts forward to one customer: catalogue indices, best first."""
    purchased = batch.positions[row]
    in_active = active.index_of[purchased]
    in_active = in_active[in_active >= 0]
    lists = {}
    for name, quota in quotas.items():
        source = SOURCES[name]
        if quota == 0:
            lists[name] = EMPTY
        elif isinstance(source, RepeatSource):
            lists[name] = purchased[top(source.score_purchased(batch, row), quota)]
        elif isinstance(source, NonPersonalisedSource):
            head = source.catalogue_order(batch.catalogue)[: quota + len(purchased)]
            lists[name] = head[batch.index_of_purchased(row, head) < 0][:quota]
        elif name not in scores:
            assert index is not None
            near = active.positions[index.top(batch.vectors[row], quota + len(in_active))]
            lists[name] = near[batch.index_of_purchased(row, near) < 0][:quota]
        else:
            new = scores[name][row].copy()
            new[in_active] = NO_SCORE
            lists[name] = active.positions[top(new, quota)]
    return lists


def _union(lists: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return each product once, purchased ones first, and the index in `SOURCES` of the source that ranked it best."""
    names = list(SOURCES)
    positions = np.concatenate([*lists.values(), EMPTY])
    ranks = np.concatenate([*(np.arange(len(items)) for items in lists.values()), EMPTY])
    sources = np.repeat([names.index(name) for name in lists], [len(items) for items in lists.values()])
    best = np.lexsort((ranks, positions))
    first = best[np.flatnonzero(np.diff(positions[best], prepend=-1))]
    is_new = np.array([not isinstance(source, RepeatSource) for source in SOURCES.values()])
    order = first[np.lexsort((ranks[first], is_new[sources[first]]))]
    return positions[order], sources[order]


def _requested(
    batch: CustomerBatch, row: int, requested: np.ndarray, positions: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the products of a request, credited to the source that put them forward, if one did."""
    credited = dict(zip(positions.tolist(), source.tolist(), strict=True))
    repeat = next((i for i, each in enumerate(SOURCES.values()) if isinstance(each, RepeatSource)), REQUESTED)
    otherwise = np.where(batch.index_of_purchased(row, requested) >= 0, repeat, REQUESTED).tolist()
    return requested, np.array(
        [credited.get(p, q) for p, q in zip(requested.tolist(), otherwise, strict=True)], np.int64
    )


def _ranks(lists: Mapping[str, np.ndarray], positions: np.ndarray, quotas: Mapping[str, int]) -> dict[str, np.ndarray]:
    order = np.argsort(positions)
    in_order = np.append(positions[order], -1)
    ranks = {}
    for name, items in lists.items():
        ranks[name] = np.full(len(positions), quotas[name], np.float32)
        at = np.searchsorted(in_order[:-1], items)
        is_there = in_order[at] == items
        ranks[name][order[at[is_there]]] = np.flatnonzero(is_there)
    return ranks


def top(scores: np.ndarray, quota: int) -> np.ndarray:
    """Return indices of the `quota` highest scores, best first; ties by index, none without a score.

    A score of 0 or `NO_SCORE` is none.
    """
    # Zeros first go: a partition of many equal values takes thirty times as long.
    usable = np.flatnonzero(scores > 0)
    if len(usable) < quota:  # some sources also score a product negatively
        usable = np.flatnonzero((scores != 0) & (scores > NO_SCORE))
    if len(usable) > quota:
        found = scores[usable]
        usable = usable[found >= np.partition(found, len(found) - quota)[len(found) - quota]] if quota else usable[:0]
    best: np.ndarray = usable[np.lexsort((usable, -scores[usable]))][:quota]
    return best
