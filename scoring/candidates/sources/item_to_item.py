"""Products that go with what the customer bought, by EASE (Steck 2019)."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from pydantic import Field

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import PurchaseEvidence
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.source import CandidateSource, SourceSettings
from scoring.models.ease import Ease
from scoring.models.fitted import FittedModel
from scoring.models.sparse_rows import SparseRows

MODEL = "item_to_item"


class Settings(SourceSettings):
    """EASE is fitted on at most `max_customers`, drawn at random where there are more."""

    quota: int = Field(130, ge=0)
    regularisation: float = Field(300.0, gt=0)
    max_customers: int = Field(4000, ge=1)


class ItemToItem(CandidateSource):
    """Score by EASE on everything the customer ever bought, weighted as in the fit."""

    settings_class: ClassVar[type[SourceSettings]] = Settings
    text = "Often bought by customers who buy what you buy"
    attribution = "Often bought with {}"
    order = 30
    has_score_feature = True
    has_rank_feature = True
    model_name = MODEL
    model_class: ClassVar[type[FittedModel] | None] = Ease

    weight: ClassVar[str] = "decayed_120d"
    """A purchase weighs the square root of this one of `schema.HISTORY`."""

    def fit(self, purchases: PurchaseMatrix, settings: Settings, seed: int) -> Ease:
        """Fit EASE on the decayed purchases of all customers."""
        weighted = purchases.matrix("decayed_120d").sqrt()
        return Ease.fit(weighted, settings.regularisation, settings.max_customers, seed)

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        model = batch.catalogue.model(MODEL, Ease)
        rows = subset.cached((MODEL, "buyers"), lambda: SparseRows.of(model.buyers, subset.positions))
        # The part that EASE cannot explain by the product itself.
        residual = subset.cached((MODEL, "residual"), lambda: 1.0 - model.diagonal[subset.positions])
        similarity = batch.cached((MODEL, "similarity", self.weight), lambda: self._similarity(batch, model))
        scores: np.ndarray = np.stack([rows.dot(each) for each in similarity]) / residual
        for row, positions in enumerate(batch.positions):  # a product must not recommend itself
            index = subset.index_of[positions]
            there = np.flatnonzero(index >= 0)
            explained = model.diagonal[positions[there]]
            weights = np.sqrt(batch.history(row, self.weight)[there])
            scores[row, index[there]] -= weights * explained / (1.0 - explained)
        return scores

    def contributions(self, evidence: PurchaseEvidence) -> Callable[[int], np.ndarray]:
        """Return what each purchase adds to a product's score."""
        model = evidence.catalogue.model(MODEL, Ease)
        rows = buyers_of_purchases(evidence.batch, model)[evidence.row]
        return model.contributions(rows, np.sqrt(evidence.history(self.weight)))

    def _similarity(self, batch: CustomerBatch, model: Ease) -> np.ndarray:
        if len(batch.customers) == 1:
            weights = np.sqrt(batch.history(0, self.weight))
            return model.similarity_to(buyers_of_purchases(batch, model)[0], weights)[np.newaxis]
        return model.similarity(batch.bought.matrix(self.weight).sqrt())


def buyers_of_purchases(batch: CustomerBatch, model: Ease) -> list[SparseRows]:
    """Return for each customer the model's buyers of the products ever bought, `[purchased, buyers]`."""
    return batch.cached(
        (MODEL, "buyers"), lambda: [SparseRows.of(model.buyers, positions) for positions in batch.positions]
    )
