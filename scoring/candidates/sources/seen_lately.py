"""Products that the customer looked at recently, products like them, and products that complete the cart."""

import numpy as np
from pydantic import Field

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import Explanation, PurchaseEvidence, cite_seen
from scoring.candidates.interest import interest_of
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import CandidateSource, SourceSettings


class Settings(SourceSettings):
    """Set the quota; the weights of events are in core/event_types.toml."""

    quota: int = Field(40, ge=0)


class SeenLately(CandidateSource):
    """Score by the recent event that supports the product most; customers without events get no candidates."""

    settings_class = Settings
    text = "Like the products you looked at recently"
    order = 130
    needs_events = True

    def applies_to(self, batch: CustomerBatch) -> bool:
        """Return whether a customer of the batch showed an interest in a product of the catalogue."""
        return any(interest_of(batch, row) is not None for row in range(len(batch.customers)))

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        scores = np.zeros((len(batch.customers), len(subset)), np.float32)
        for row in range(len(batch.customers)):
            interest = interest_of(batch, row)
            if interest is not None:
                scores[row] = interest.scores[subset.positions]
        return scores

    def explain(self, evidence: PurchaseEvidence, position: int) -> Explanation:
        """Name the event behind the product's score."""
        interest = interest_of(evidence.batch, evidence.row)
        if interest is None or interest.cause[position] < 0:
            return evidence.cite_type(self.text, position)
        return cite_seen(evidence.catalogue, interest, position)
