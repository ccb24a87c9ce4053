"""Products that sell well now, of the types that the customer buys."""

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import CandidateSource


class TypeAffinity(CandidateSource):
    """Score by the customer's recent purchases of the product's type times the product's recent share in the type."""

    text = "Well liked now"
    order = 80
    has_score_feature = True
    has_rank_feature = True

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        affinity = batch.affinity(batch.catalogue.codes["product_type"], "decayed_60d", subset.types)
        scores: np.ndarray = affinity * subset.column("share_in_type_8w")
        return scores
