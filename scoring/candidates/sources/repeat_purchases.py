"""Products that the customer bought before, by how often and how recently."""

import numpy as np
from pydantic import Field

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import Explanation, PurchaseEvidence
from scoring.candidates.source import RepeatSource, SourceSettings


class Settings(SourceSettings):
    """Set the quota; a customer's regular products are most of the next purchases."""

    quota: int = Field(270, ge=0)


class RepeatPurchases(RepeatSource):
    """Score purchased products by their purchases decayed with 120 days."""

    settings_class = Settings
    text = "You bought this before"
    order = 10
    has_rank_feature = True

    def score_purchased(self, batch: CustomerBatch, row: int) -> np.ndarray:
        """Score the products that a customer bought, aligned with `batch.positions[row]`."""
        return batch.history(row, "decayed_120d")

    def explain(self, evidence: PurchaseEvidence, position: int) -> Explanation:
        """Cite the product's own purchases."""
        index = int(np.flatnonzero(evidence.purchased == position)[0])
        return Explanation(evidence.rhythm(index), evidence.purchased[[index]])
