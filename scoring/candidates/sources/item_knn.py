"""Products bought by the same customers as those the customer buys: nearest neighbours of products."""

from collections.abc import Callable

import numpy as np
from pydantic import Field
from scipy import sparse

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import PurchaseEvidence
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.source import CandidateSource, SourceSettings
from scoring.models.item_knn import ItemKnn


class Settings(SourceSettings):
    """Each product keeps `n_neighbours`; see `ItemKnn.fit`."""

    n_neighbours: int = Field(100, ge=1)
    shrinkage: float = Field(20.0, ge=0)
    min_buyers: int = Field(5, ge=0)


class ItemKnnSource(CandidateSource):
    """Score by the summed similarity to what the customer bought."""

    settings_class = Settings
    text = "Bought by the same customers as what you buy"
    attribution = "Bought by the same customers as {}"
    order = 50
    model_name = "item_knn"
    model_class = ItemKnn

    def fit(self, purchases: PurchaseMatrix, settings: Settings, seed: int) -> ItemKnn:
        """Fit on the decayed purchases of all customers."""
        weighted = purchases.matrix("decayed_120d").sqrt()
        return ItemKnn.fit(weighted, settings.n_neighbours, settings.shrinkage, settings.min_buyers)

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        model = batch.catalogue.model(self.name, ItemKnn)
        rows: sparse.csr_matrix = subset.cached((self.name, "rows"), lambda: model.similarity[subset.positions])
        scores: np.ndarray = (rows @ batch.bought.matrix("decayed_120d").sqrt().T).toarray().T
        return scores

    def contributions(self, evidence: PurchaseEvidence) -> Callable[[int], np.ndarray]:
        """Return what each purchase adds to a product's score."""
        model = evidence.catalogue.model(self.name, ItemKnn)
        weights = np.sqrt(evidence.history("decayed_120d"))
        return lambda position: model.similarity[[position]].toarray()[0, evidence.purchased] * weights
