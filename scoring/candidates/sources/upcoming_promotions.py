"""Products on a mailer of the next four weeks, of the types that the customer buys."""

import numpy as np
from pydantic import Field

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.source import CandidateSource, SourceSettings
from scoring.catalogue import Catalogue


class Settings(SourceSettings):
    """A mailer holds a few dozen products of a customer's types."""

    quota: int = Field(40, ge=0)


class UpcomingPromotions(CandidateSource):
    """Score by the root of the customer's affinity to the type times the promotion's reach and the product's buyers."""

    settings_class = Settings
    text = "On a mailer of the coming weeks"
    order = 120
    has_score_feature = True
    has_rank_feature = True

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        # Stores that will put the product on a mailer times the logarithm of its buyers.
        promoted = subset.cached(
            (self.name, "promoted"), lambda: subset.column("mailer_stores_next") * np.log1p(subset.column("buyers_13w"))
        )
        affinity = batch.affinity(batch.catalogue.codes["product_type"], "decayed_120d", subset.types)
        scores: np.ndarray = np.sqrt(affinity) * promoted
        return scores

    def opening(self, catalogue: Catalogue, position: int) -> str:
        """Name this week's mailer if the product is on it."""
        this_week = catalogue.column("mailer_stores_next_1w")[position] > 0
        return "On this week's mailer" if this_week else self.text
