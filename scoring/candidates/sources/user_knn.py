"""Products that customers with similar histories bought recently."""

from collections.abc import Callable

import numpy as np
from pydantic import Field

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import PurchaseEvidence
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.source import CandidateSource, SourceSettings
from scoring.models.user_knn import UserKnn


class Settings(SourceSettings):
    """`n_neighbours` customers with the most similar purchases are asked."""

    n_neighbours: int = Field(150, ge=1)


class UserKnnSource(CandidateSource):
    """Score by the share of the neighbours that bought the product in the last four weeks."""

    settings_class = Settings
    text = "Customers with a similar taste bought this recently"
    attribution = "Bought recently by others who buy {}"
    order = 60
    has_score_feature = True
    has_rank_feature = True
    model_name = "user_knn"
    model_class = UserKnn

    def fit(self, purchases: PurchaseMatrix, settings: Settings, seed: int) -> UserKnn:
        """Keep all customers' purchases."""
        days_since_last = purchases.matrix("days_since_last").data
        return UserKnn.fit(purchases.matrix("baskets"), days_since_last, settings.n_neighbours)

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        model = batch.catalogue.model(self.name, UserKnn)
        scores = batch.cached(
            (self.name, "scores"), lambda: np.stack([model.scores(weights) for weights in self._weights(batch, model)])
        )
        of_subset: np.ndarray = scores[:, subset.positions]
        return of_subset

    def contributions(self, evidence: PurchaseEvidence) -> Callable[[int], np.ndarray]:
        """Return what each purchase adds to a product's score."""
        model = evidence.catalogue.model(self.name, UserKnn)
        weights = self._weights(evidence.batch, model)[evidence.row]
        return model.contributions(evidence.purchased, evidence.history("baskets"), weights)

    def _weights(self, batch: CustomerBatch, model: UserKnn) -> np.ndarray:
        return batch.cached(
            (self.name, "weights"),
            lambda: np.stack(
                [
                    model.neighbour_weights(positions, batch.history(row, "baskets"))
                    for row, positions in enumerate(batch.positions)
                ]
            ),
        )
