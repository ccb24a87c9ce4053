"""The candidates of a customer: the union of what the sources put forward."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.sources import NO_SCORE, NON_PERSONALISED, SOURCES

ANN_SOURCE = "two_tower"
"""The source whose list an index finds in a very large catalogue; its scores are then those of the candidates only."""

EMPTY = np.zeros(0, np.int64)

MIN_SCORE = np.float32(-1e6)
"""What a source says of a product that it has no score for."""

REQUESTED = -1
"""Instead of a source's index: no source put the product forward, the request named it."""


@dataclass(frozen=True)
class Candidates:
    """Candidates of one customer.

    positions: catalogue indices, int64 `[n]`, own products first.
    source: for each the index in `SOURCES` of the source that ranked it best, `[n]`, or `REQUESTED`.
    is_repeat: whether the customer bought it before, bool `[n]`.
    scores: every source's score of every candidate, float32 `[n]` each.
    ranks: the candidate's place in that source's list, 0 the first, float32 `[n]` each; the source's quota if
        it did not put the candidate forward.
    """

    positions: np.ndarray
    source: np.ndarray
    is_repeat: np.ndarray
    scores: Mapping[str, np.ndarray]
    ranks: Mapping[str, np.ndarray]


def generate_candidates(
    block: CustomerBatch, quotas: Mapping[str, int], only: np.ndarray | None = None
) -> list[Candidates]:
    """Candidates of every customer of a block.

    `quotas`: how many products each source may put forward; `repeat_purchases` speaks of own products only, all others
    only of lively products that the customer never bought. `only`: take these catalogue indices instead of what was
    put forward; scores and ranks are the sources'.
    """
    shelf, nearest = block.catalogue.lively, block.catalogue.nearest
    # These need not look at the whole shelf: they speak only of what is a candidate already.
    late = {name for name, quota in quotas.items() if quota == 0} | ({ANN_SOURCE} if nearest is not None else set())
    scores = {name: SOURCES[name](block, shelf) for name in quotas if name != "repeat_purchases" and name not in late}
    lists = [_lists(block, row, scores, quotas) for row in range(len(block.customers))]
    unions = [_union(found) for found in lists]
    if only is not None:
        unions = [_asked(block, row, only, *union) for row, union in enumerate(unions)]
    # Own products that hardly anybody else buys are not on the shelf; they are few, and scored by themselves.
    beyond = ProductSubset(block.catalogue, np.unique(np.concatenate([p[shelf.places[p] < 0] for p, _ in unions])))
    scores_beyond = {name: SOURCES[name](block, beyond) for name in scores} if len(beyond) else {}
    everything = ProductSubset(block.catalogue, np.unique(np.concatenate([p for p, _ in unions])) if late else EMPTY)
    scores_late = {name: SOURCES[name](block, everything) for name in quotas if name in late}
    result = []
    for row, (positions, source) in enumerate(unions):
        mine = block.index_of_purchased(row, positions)
        places = shelf.places[positions]
        off = np.flatnonzero(places < 0)
        on_rest = np.searchsorted(beyond.positions, positions[off])
        said = {}
        for name in quotas:
            if name == "repeat_purchases":
                values = np.append(block.history(row, "decayed_120d"), NO_SCORE)[mine]
            elif name in late:
                values = scores_late[name][row][np.searchsorted(everything.positions, positions)]
            else:
                values = scores[name][row][places]
                if len(off):
                    values[off] = scores_beyond[name][row][on_rest]
            said[name] = np.maximum(values, MIN_SCORE)
        result.append(Candidates(positions, source, mine >= 0, said, _ranks(lists[row], positions, quotas)))
    return result


def _lists(
    block: CustomerBatch, row: int, scores: Mapping[str, np.ndarray], quotas: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """What each source puts forward to one customer: catalogue indices, best first."""
    shelf, own = block.catalogue.lively, block.positions[row]
    bought = shelf.places[own]
    bought = bought[bought >= 0]
    lists = {}
    for name, quota in quotas.items():
        if quota == 0:
            lists[name] = np.zeros(0, np.int64)
        elif name == "repeat_purchases":
            lists[name] = own[top(block.history(row, "decayed_120d"), quota)]
        elif name in NON_PERSONALISED:
            head = NON_PERSONALISED[name](block.catalogue)[: quota + len(own)]
            lists[name] = head[block.index_of_purchased(row, head) < 0][:quota]
        elif name not in scores:
            assert block.catalogue.nearest is not None
            near = shelf.positions[block.catalogue.nearest.top(block.vectors[row], quota + len(bought))]
            lists[name] = near[block.index_of_purchased(row, near) < 0][:quota]
        else:
            new = scores[name][row].copy()
            new[bought] = NO_SCORE
            lists[name] = shelf.positions[top(new, quota)]
    return lists


def _union(lists: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Each product once, own ones first: catalogue indices and the index in `SOURCES` of who ranked it best."""
    names = list(SOURCES)
    positions = np.concatenate([*lists.values(), np.zeros(0, np.int64)])
    places = np.concatenate([*(np.arange(len(items)) for items in lists.values()), np.zeros(0, np.int64)])
    sources = np.repeat([names.index(name) for name in lists], [len(items) for items in lists.values()])
    best = np.lexsort((places, positions))
    first = best[np.flatnonzero(np.diff(positions[best], prepend=-1))]
    order = first[np.lexsort((places[first], sources[first] != names.index("repeat_purchases")))]
    return positions[order], sources[order]


def _asked(
    block: CustomerBatch, row: int, only: np.ndarray, positions: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The products of a request, credited to the source that put them forward, if one did."""
    credited = dict(zip(positions.tolist(), source.tolist(), strict=True))
    otherwise = np.where(
        block.index_of_purchased(row, only) >= 0, list(SOURCES).index("repeat_purchases"), REQUESTED
    ).tolist()
    return only, np.array([credited.get(p, q) for p, q in zip(only.tolist(), otherwise, strict=True)], np.int64)


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
    """Indices of the `quota` highest scores, best first; ties by index, none without a score (0 or `NO_SCORE`)."""
    # Zeros first go: a partition of many equal values takes thirty times as long.
    usable = np.flatnonzero(scores > 0)
    if len(usable) < quota:  # some sources speak against a product, too
        usable = np.flatnonzero((scores != 0) & (scores > NO_SCORE))
    if len(usable) > quota:
        found = scores[usable]
        usable = usable[found >= np.partition(found, len(found) - quota)[len(found) - quota]] if quota else usable[:0]
    return usable[np.lexsort((usable, -scores[usable]))][:quota]
