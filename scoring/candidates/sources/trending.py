"""Products that most customers bought for the first time in the last eight weeks."""

import numpy as np

from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import NonPersonalisedSource
from scoring.catalogue import Catalogue


class Trending(NonPersonalisedSource):
    """Score by the number of customers who bought the product for the first time in eight weeks."""

    text = "Many customers are trying this now"
    order = 110
    has_rank_feature = True

    def catalogue_order(self, catalogue: Catalogue) -> np.ndarray:
        """Return catalogue indices of products with such a customer, the product with most first."""
        return catalogue.by_first_buyers

    def score_products(self, subset: ProductSubset) -> np.ndarray:
        """Return the number of such customers, float32 `[subset]`."""
        return subset.column("first_buyers_8w")
