"""Other products of the lines (a type from one manufacturer) that the customer buys."""

from collections.abc import Callable

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import PurchaseEvidence
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import CandidateSource


class Substitutes(CandidateSource):
    """Score by the customer's purchases of the product's line times the product's share of the line."""

    text = "From a maker whose products you buy"
    attribution = "By the maker of {}"
    order = 90
    has_rank_feature = True

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        share = subset.cached((self.name, "share"), lambda: subset.catalogue.share_in_line[subset.positions])
        scores: np.ndarray = batch.affinity(batch.catalogue.lines, "decayed_120d", subset.lines) * share
        return scores

    def contributions(self, evidence: PurchaseEvidence) -> Callable[[int], np.ndarray]:
        """Return the weight of each purchase of a product's line."""
        lines, weights = evidence.catalogue.lines, evidence.history("decayed_120d")
        purchased = lines[evidence.purchased]
        return lambda position: np.where(purchased == lines[position], weights, 0.0)
