"""The candidates of a customer: the union of what the sources put forward."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.sources import NOTHING, SAME_FOR_ALL, SOURCES, Block


@dataclass(frozen=True)
class Candidates:
    """Candidates of one customer.

    positions: catalogue indices, int64 `[n]`, own products first.
    source: for each the index in `SOURCES` of the source that ranked it best, `[n]`.
    is_own: whether the customer bought it before, bool `[n]`.
    scores: every source's score of every candidate, float32 `[n]` each.
    ranks: the candidate's place in that source's list, 0 the first, float32 `[n]` each; the source's quota if
        it did not put the candidate forward.
    """

    positions: np.ndarray
    source: np.ndarray
    is_own: np.ndarray
    scores: Mapping[str, np.ndarray]
    ranks: Mapping[str, np.ndarray]


def gather(block: Block, quotas: Mapping[str, int]) -> list[Candidates]:
    """Candidates of every customer of a block.

    `quotas`: how many products each source may put forward; `repeats` speaks of own products only, all others
    only of products that the customer never bought.
    """
    scores = {name: SOURCES[name](block) for name in quotas}
    names = list(SOURCES)
    result = []
    for row, own in enumerate(block.positions):
        is_own = np.zeros(len(block.catalogue), bool)
        is_own[own] = True
        lists = {}
        for name, quota in quotas.items():
            if name == "repeats":
                lists[name] = own[_top(scores[name][row, own], quota)]
            elif name in SAME_FOR_ALL:
                head = SAME_FOR_ALL[name](block.catalogue)[: quota + len(own)]
                lists[name] = head[~is_own[head]][:quota]
            else:
                lists[name] = _top(np.where(is_own, NOTHING, scores[name][row]), quota)
        positions = np.concatenate(list(lists.values()))
        places = np.concatenate([np.arange(len(items)) for items in lists.values()])
        sources = np.concatenate([np.full(len(items), names.index(name)) for name, items in lists.items()])
        best = np.lexsort((places, positions))  # a product once, credited to the source that ranked it best
        first = best[np.concatenate([[True], np.diff(positions[best]) != 0])] if len(best) else best
        order = first[np.lexsort((places[first], sources[first] != names.index("repeats")))]
        chosen = positions[order]
        ranks = {}
        for name, items in lists.items():
            place = np.full(len(block.catalogue), quotas[name], np.float32)
            place[items] = np.arange(len(items))
            ranks[name] = place[chosen]
        result.append(
            Candidates(
                positions=chosen,
                source=sources[order],
                is_own=is_own[chosen],
                scores={name: np.maximum(scores[name][row][chosen], -1e6) for name in quotas},
                ranks=ranks,
            )
        )
    return result


def _top(scores: np.ndarray, quota: int) -> np.ndarray:
    """Positions of the `quota` highest scores, best first; ties by position, none without a score."""
    usable = np.flatnonzero((scores != 0) & (scores > NOTHING))
    if len(usable) > quota:
        found = scores[usable]
        usable = usable[np.argpartition(found, len(found) - quota - 1)[len(found) - quota :]]
    return usable[np.lexsort((usable, -scores[usable]))]
