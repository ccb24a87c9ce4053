"""Diversity within a list, and a parameter that never lowers it.

The distance of two products is half the cosine distance of their vectors and half by content: 0 for the
same type, ½ for the same category, 1 otherwise. A list's diversity (intra-list distance, Smyth & McClave 2001; Ziegler
et al. 2005) is the mean distance of its pairs, from 0 to 1.

The parameter selects a list on a path: the ranker's list, then one swap at a time, each the swap that gains most
diversity for the score it costs (Swap of Yu, Lakshmanan & Amer-Yahia 2009). No swap lowers the diversity, and the path
does not depend on the parameter, which only selects how much of the way to go. So a higher value never gives a less
diverse list, for any customer and list. A greedy choice by a weighted sum (MMR) has that property on average only.
"""

import numpy as np

from scoring.catalogue import Catalogue

MIN_GAIN = 1e-6
"""A swap must gain more than this in a sum of distances."""


def distances(catalogue: Catalogue, positions: np.ndarray) -> np.ndarray:
    """Return the distances between all pairs of products, float32 `[n, n]`, 0 to 1, 0 on the diagonal."""
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
    """Return the mean distance of the pairs of a list; 0 if there is no pair."""
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
    """Return the indices in `positions` that make up the list, int64 like `first` and ascending.

    Args:
        catalogue: The products.
        positions: Catalogue indices to choose among, best first.
        scores: The ranker's scores, `[n]`.
        first: The list at diversity 0, as indices in `positions`.
        diversity: The share of the way to the most diverse list found.
        max_per_category: At most this many products of one category; None: any number.
    """
    between = distances(catalogue, positions).astype(np.float64)
    category, chosen = catalogue.category[positions], first.copy()
    spread = float(scores[first].max() - scores[first].min()) or 1.0
    # Some swaps cost nothing, under a cap or among equals; the floor keeps their ratio finite.
    cost = np.maximum(scores[chosen] - scores[:, None], 0.01 * spread).astype(np.float64)
    near, far = between[:, chosen], between[:, chosen].sum(axis=1)
    lists, sums = [first], [far[first].sum() / 2.0]
    for _ in range(len(first)):
        gain = far[:, None] - near
        gain -= far[chosen]
        gain[chosen] = 0.0
        if max_per_category is not None:
            counts = np.bincount(category[chosen], minlength=category.max() + 1)
            is_full = (counts[category] >= max_per_category) & (category > 0)
            gain[is_full[:, None] & (category[:, None] != category[chosen])] = 0.0
        gain[gain <= MIN_GAIN] = 0.0
        new, old = divmod(int((gain / cost).argmax()), len(chosen))
        if gain[new, old] <= 0.0:
            break
        sums.append(sums[-1] + gain[new, old])
        far += between[:, new] - near[:, old]
        near[:, old] = between[:, new]
        cost[:, old] = np.maximum(scores[new] - scores, 0.01 * spread)
        chosen[old] = new
        lists.append(chosen.copy())
    enough = sums[0] + diversity * (sums[-1] - sums[0])
    return np.sort(lists[int(np.searchsorted(sums, enough - MIN_GAIN))])
