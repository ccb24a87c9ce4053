"""The products most like a product, and those most often bought with it, as two ranked lists.

Likeness is the cosine of the candidate tower's vectors, which also finds products that hardly any customer has bought
yet. EASE's weights find products that are bought together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from scoring.models.ease import Ease

DEPTH = 100
"""Products of each list that recent interest in a product puts forward."""

SMOOTHING = 20.0
"""The product at rank r of a list weighs `SMOOTHING` / (`SMOOTHING` + r): half at rank 20."""

CACHE_SIZE = 2048
"""Products whose lists are kept (about 3 MB), because many customers look at the same ones."""

RANK_WEIGHTS = (SMOOTHING / (SMOOTHING + np.arange(DEPTH))).astype(np.float32)
"""The weight of each rank of a list, float32 `[DEPTH]`."""


class Related(NamedTuple):
    """Two lists of catalogue indices, best first, each `[at most DEPTH]` and without the product itself."""

    similar: np.ndarray
    together: np.ndarray


@dataclass(frozen=True)
class RelatedProducts:
    """Finds the lists of one product in a catalogue. Safe to call from several threads.

    Attributes:
        vectors: The candidate tower's output, float32 `[products, dimensions]`.
        popularity: `[products]`; among equals the more popular product comes first.
        ease: None if the catalogue has no such model: no product is then known to be bought with another.
    """

    vectors: np.ndarray
    popularity: np.ndarray
    ease: Ease | None

    @cached_property
    def of(self) -> Callable[[int], Related]:
        """A function from a product's catalogue index to its lists, cached because customers share products."""

        @lru_cache(maxsize=CACHE_SIZE)
        def related(position: int) -> Related:
            cosine = self.vectors @ self.vectors[position]
            cosine[position] = -np.inf
            similar = top_ranked(cosine, self.popularity, DEPTH)
            if self.ease is None:
                return Related(similar, similar[:0])
            weights = self.ease.weights(position)
            return Related(similar, top_ranked(np.where(weights > 0, weights, -np.inf), self.popularity, DEPTH))

        return related


def top_ranked(scores: np.ndarray, popularity: np.ndarray, depth: int) -> np.ndarray:
    """Return the indices of the `depth` highest scores, best first; among equals the more popular product first."""
    few = np.argpartition(-scores, min(depth, len(scores) - 1))[:depth]
    few = few[np.lexsort((few, -popularity[few], -scores[few]))]
    return few[scores[few] > -np.inf]
