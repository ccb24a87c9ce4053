"""The base of every candidate source: what a source scores, explains and declares.

A source is one class in one file of `scoring/candidates/sources/`; docs/add-a-candidate-source.md shows how to write
one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.explanation import Explanation, PurchaseEvidence
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.catalogue import Catalogue
from scoring.models.fitted import FittedModel

NO_SCORE = np.float32(-np.inf)
"""The score of a product that a source must not put forward."""


class SourceSettings(BaseModel):
    """A source's line in `ml/config.toml`; a source with settings of its own extends it.

    Attributes:
        quota: How many products the source may put forward for a customer. 0: it only scores what others put forward.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quota: int = Field(60, ge=0)


class CandidateSource(ABC):
    """Scores products for customers, puts the best forward as candidates, and explains them.

    Attributes:
        name: The name of the file, and of the source in the configuration, in answers and in reports.
        settings_class: The type of the source's line in the configuration, with its default quota.
        text: The explanation if no purchase supports the product, and else its beginning.
        attribution: The explanation by the purchase that contributes most, with `{}` for that product's name; needs
            `contributions`.
        order: Sources are listed by it, then by name. The ranker's columns follow the list, so that models trained with
            the same seed start from the same weights; new sources come last.
        has_score_feature: Whether the ranker reads the source's score of a candidate.
        has_rank_feature: Whether the ranker reads the candidate's rank in the source's list.
        is_vector_search: Whether the score is the inner product of the customer's and the product's vector, so that an
            index can find the list in a large catalogue.
        needs_events: Whether it proposes products only to customers with recent events. An evaluation is of purchases
            alone, so there the source has no candidates to count.
        model_name: The source that fits the model which this source reads; empty if it reads none.
        model_class: The type of the model that the source fits; None if it fits none.
        package: An optional package that `fit` needs, and the dependency group that installs it.
    """

    name: str = ""
    settings_class: ClassVar[type[SourceSettings]] = SourceSettings
    text: ClassVar[str]
    attribution: ClassVar[str] = ""
    order: ClassVar[int] = 1000
    has_score_feature: ClassVar[bool] = False
    has_rank_feature: ClassVar[bool] = False
    is_vector_search: ClassVar[bool] = False
    needs_events: ClassVar[bool] = False
    model_name: ClassVar[str] = ""
    model_class: ClassVar[type[FittedModel] | None] = None
    package: ClassVar[tuple[str, str] | None] = None

    def applies_to(self, batch: CustomerBatch) -> bool:
        """Return whether the source may propose products to a customer of the batch; if not, it is not asked."""
        return True

    @abstractmethod
    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`.

        Only products with a score above 0 are put forward; if they are fewer than the quota, products below 0 follow.
        """

    def fit(self, purchases: PurchaseMatrix, settings: Any, seed: int) -> FittedModel:
        """Fit the source's model on all customers' purchases; sources with a `model_class` implement it.

        Args:
            purchases: All customers' purchases in the catalogue's order.
            settings: An instance of `settings_class`.
            seed: The run's seed.
        """
        raise NotImplementedError(f"{type(self).__name__} fits no model")

    def contributions(self, evidence: PurchaseEvidence) -> Callable[[int], np.ndarray]:
        """Return a function from a product to what each purchase adds to its score, `[purchased]`."""
        raise NotImplementedError(f"{type(self).__name__} has no attribution")

    def opening(self, catalogue: Catalogue, position: int) -> str:
        """Return the beginning of an explanation that names no single purchase."""
        return self.text

    def explain(self, evidence: PurchaseEvidence, position: int) -> Explanation:
        """Explain why the source put the product at `position` forward."""
        if self.attribution:
            find = evidence.batch.cached(
                (self.name, "contributions", evidence.row), lambda: self.contributions(evidence)
            )
            found = find(position)
            top = int(found.argmax()) if len(found) else -1
            if top >= 0 and found[top] > 0:
                return evidence.cite(self.attribution, top)
        return evidence.cite_type(self.opening(evidence.catalogue, position), position)


class RepeatSource(CandidateSource):
    """A source that puts forward only products that the customer bought before; all others put forward new ones."""

    @abstractmethod
    def score_purchased(self, batch: CustomerBatch, row: int) -> np.ndarray:
        """Score the products that a customer bought, float32 aligned with `batch.positions[row]`."""

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score the purchased products of the subset; all others get `NO_SCORE`."""
        scores = np.full((len(batch.customers), len(subset)), NO_SCORE, np.float32)
        for row, positions in enumerate(batch.positions):
            index = subset.index_of[positions]
            there = np.flatnonzero(index >= 0)
            scores[row, index[there]] = self.score_purchased(batch, row)[there]
        return scores


class NonPersonalisedSource(CandidateSource):
    """A source with the same scores for every customer, so that its list need not be sorted for each."""

    @abstractmethod
    def catalogue_order(self, catalogue: Catalogue) -> np.ndarray:
        """Return catalogue indices, best first, of all products that the source may put forward."""

    @abstractmethod
    def score_products(self, subset: ProductSubset) -> np.ndarray:
        """Score the products of the subset, float32 `[subset]`."""

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Give every customer the same scores."""
        return np.broadcast_to(self.score_products(subset), (len(batch.customers), len(subset)))
