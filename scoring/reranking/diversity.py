"""Diversity within a list, and a knob that is sure to raise it.

The distance of two products is half the cosine distance of their vectors and half what their content says: 0 for the
same type, ½ for the same category, 1 otherwise. A list's diversity (intra-list distance, Smyth & McClave 2001; Ziegler
et al. 2005) is the mean distance of its pairs, from 0 to 1.

The knob walks a path of lists: the ranker's, then one swap at a time, each the swap that wins most diversity for the
score it costs (Swap of Yu, Lakshmanan & Amer-Yahia 2009). No swap lowers the diversity and the path does not depend on
the knob, which only says how much of the way to go. So for every customer and every list a higher knob never gives a
less diverse list: a greedy choice by a weighted sum (MMR) promises that on average only.
"""

import numpy as np

from scoring.catalogue import Catalogue

MIN_GAIN = 1e-6
"""A swap that wins less than this in a sum of distances is none."""


def distances(catalogue: Catalogue, positions: np.ndarray) -> np.ndarray:
    """Between all pairs of products, float32 `[n, n]`, 0 to 1, 0 on the diagonal."""
    vectors = catalogue.vectors[positions]
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    cosine = np.clip((vectors / lengths) @ (vectors / lengths).T, -1.0, 1.0)
    content = np.ones_like(cosine)
    for codes, distance in ((catalogue.category, 0.5), (catalogue.codes["product_type"], 0.0)):
        found = codes[positions]
        content[(found[:, None] == found) & (found > 0)] = distance
    between: np.ndarray = ((1.0 - cosine) / 2.0 + content) / 2.0
    np.fill_diagonal(between, 0.0)
    return between


def intra_list_distance(catalogue: Catalogue, positions: np.ndarray) -> float:
    """Mean distance of the pairs of a list; 0 if there is no pair."""
    n = len(positions)
    return float(distances(catalogue, positions).sum() / max(n * (n - 1), 1))


def diversify(
    catalogue: Catalogue,
    positions: np.ndarray,
    scores: np.ndarray,
    first: np.ndarray,
    diversity: float,
    max_per_category: int | None,
) -> np.ndarray:
    """Which of `positions` make up the list, int64 like `first` and ascending.

    positions: catalogue indices to choose among, best first; scores: the ranker's; first: the list at diversity 0, as
    places in `positions`; diversity: the share of the way to the most diverse list found.
    """
    between = distances(catalogue, positions).astype(np.float64)
    category, chosen = catalogue.category[positions], first.copy()
    spread = float(scores[first].max() - scores[first].min()) or 1.0
    # Free swaps exist, under a cap or among equals: the floor keeps their worth finite.
    cost = np.maximum(scores[chosen] - scores[:, None], 0.01 * spread).astype(np.float64)
    near, far = between[:, chosen], between[:, chosen].sum(axis=1)
    lists, sums = [first], [far[first].sum() / 2.0]
    for _ in range(len(first)):
        won = far[:, None] - near
        won -= far[chosen]
        won[chosen] = 0.0
        if max_per_category is not None:
            counts = np.bincount(category[chosen], minlength=category.max() + 1)
            is_full = (counts[category] >= max_per_category) & (category > 0)
            won[is_full[:, None] & (category[:, None] != category[chosen])] = 0.0
        won[won <= MIN_GAIN] = 0.0
        new, old = divmod(int((won / cost).argmax()), len(chosen))
        if won[new, old] <= 0.0:
            break
        sums.append(sums[-1] + won[new, old])
        far += between[:, new] - near[:, old]
        near[:, old] = between[:, new]
        cost[:, old] = np.maximum(scores[new] - scores, 0.01 * spread)
        chosen[old] = new
        lists.append(chosen.copy())
    enough = sums[0] + diversity * (sums[-1] - sums[0])
    return np.sort(lists[int(np.searchsorted(sums, enough - MIN_GAIN))])
