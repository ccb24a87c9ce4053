"""Products that most customers bought in the last four weeks."""

import numpy as np

from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import NonPersonalisedSource
from scoring.catalogue import Catalogue


class Popular(NonPersonalisedSource):
    """Score by the number of buyers in four weeks; ties go to the product with more buyers ever."""

    text = "Popular with many customers now"
    order = 100
    has_rank_feature = True

    def catalogue_order(self, catalogue: Catalogue) -> np.ndarray:
        """Return catalogue indices, the most popular product first."""
        return catalogue.by_popularity

    def score_products(self, subset: ProductSubset) -> np.ndarray:
        """Return the popularity of the products, float32 `[subset]`."""
        return subset.cached(
            (self.name, "popularity"), lambda: subset.catalogue.popularity[subset.positions].astype(np.float32)
        )
