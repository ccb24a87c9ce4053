"""What each version has to answer, worked out beside the service from the same bundle and the same features."""

import math
import threading
from collections.abc import Mapping
from typing import Any, get_args

from registry.model_store import ModelStore
from scoring.bundle import SCORE_TOLERANCE, Bundle
from scoring.customer.customer import Customer
from scoring.models.ranker import Slate
from scoring.request import RecommendationRequest
from serving.api.schemas import RecommendResponse

SLATES: tuple[Slate, ...] = get_args(Slate)
IMPERSONAL = frozenset({"features_unavailable", "unknown_customer"})
"""Marks of answers that know nothing of the customer."""

Items = list[tuple[str, float]]


class Expected:
    """The lists of every version for every customer, both slates. `features`: what the online store holds of each."""

    def __init__(self, features: Mapping[str, dict[str, Any] | None], k: int):
        self.features = features
        self.k = k
        self._lists: dict[tuple[str, str | None, str], Items] = {}
        self._lock = threading.Lock()

    def learn(self, store: ModelStore, version: str) -> None:
        """Work out all lists of a version. Its golden requests are answered first."""
        bundle = Bundle.open(store.path(version))
        bundle.check_golden()
        lists: dict[tuple[str, str | None, str], Items] = {}
        for customer_id in (None, *self.features):
            found = self.features[customer_id] if customer_id is not None else None
            customer = None if found is None else Customer.from_features(found)
            for slate in SLATES:
                items = bundle.recommender.recommend(customer, RecommendationRequest(slate, self.k)).items
                lists[(version, customer_id, slate)] = [(item.product_id, item.score) for item in items]
        with self._lock:
            self._lists |= lists

    @property
    def product_id(self) -> str:
        """A product that every version knows."""
        return next(items for items in self._lists.values() if items)[0][0]

    def wrong(self, customer_id: str, slate: str, answer: RecommendResponse) -> str | None:
        """What is wrong with an answer, in words; None if it is the list of the version that it names."""
        impersonal = answer.fallback in IMPERSONAL
        expected = self._lists.get((answer.model_version, None if impersonal else customer_id, slate))
        if expected is None:
            return f"names version {answer.model_version}, which was never deployed soundly"
        found = [(item.product_id, item.score) for item in answer.items]
        same = len(found) == len(expected) and all(
            mine == theirs and math.isclose(score, wanted, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
            for (mine, score), (theirs, wanted) in zip(found, expected, strict=True)
        )
        return None if same else f"is not the list of version {answer.model_version} (fallback {answer.fallback})"
