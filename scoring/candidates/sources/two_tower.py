"""Products whose vectors are nearest to the customer's, by the two towers."""

from collections.abc import Callable

import numpy as np
from pydantic import Field

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import PurchaseEvidence
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import CandidateSource, SourceSettings


class Settings(SourceSettings):
    """The towers are configured in `[retrieval]`."""

    quota: int = Field(90, ge=0)


class TwoTower(CandidateSource):
    """Score by the cosine of the query tower's and the candidate tower's vectors."""

    settings_class = Settings
    text = "Goes with what you buy"
    attribution = "Goes with {}"
    order = 20
    has_score_feature = True
    has_rank_feature = True
    is_vector_search = True

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        cosines: np.ndarray = batch.vectors @ subset.vectors.T
        return cosines

    def contributions(self, evidence: PurchaseEvidence) -> Callable[[int], np.ndarray]:
        """Return each purchase's cosine to a product."""
        vectors = evidence.catalogue.vectors
        purchased = vectors[evidence.purchased]
        return lambda position: purchased @ vectors[position]
