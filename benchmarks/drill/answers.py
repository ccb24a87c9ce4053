"""Compute the expected answers of each version outside the service, from the same bundle and features."""

import math
import threading
from collections.abc import Mapping
from typing import Any, get_args

from core.restricted import Restricted
from registry.model_store import ModelStore
from scoring.bundle import SCORE_TOLERANCE, Bundle
from scoring.customer.customer import Customer
from scoring.models.ranker import Slate
from scoring.request import RecommendationRequest
from serving.api.schemas import RecommendResponse

SLATES: tuple[Slate, ...] = get_args(Slate)
IMPERSONAL = frozenset({"features_unavailable", "unknown_customer"})
"""Fallbacks whose lists do not depend on the customer."""

Items = list[tuple[str, float]]


class Expected:
    """Hold the expected lists of every version, customer and slate.

    Args:
        features: Features in the online store by customer id; None for an unknown customer.
        k: Length of the lists.
        restricted: Patterns of products that the service leaves out of its lists; None for none.
    """

    def __init__(self, features: Mapping[str, dict[str, Any] | None], k: int, restricted: Restricted | None = None):
        self.features = features
        self.k = k
        self._restricted = restricted
        self._lists: dict[tuple[str, str | None, str], Items] = {}
        self._lock = threading.Lock()

    def add_version(self, store: ModelStore, version: str) -> None:
        """Compute all lists of a version, after its golden requests have passed."""
        bundle = Bundle.open(store.path(version))
        bundle.check_golden()
        recommender = bundle.without(self._restricted).recommender
        lists: dict[tuple[str, str | None, str], Items] = {}
        for customer_id in (None, *self.features):
            found = self.features[customer_id] if customer_id is not None else None
            customer = None if found is None else Customer.from_features(found)
            for slate in SLATES:
                items = recommender.recommend(customer, RecommendationRequest(slate, self.k)).items
                lists[(version, customer_id, slate)] = [(item.product_id, item.score) for item in items]
        with self._lock:
            self._lists |= lists

    @property
    def product_id(self) -> str:
        """Return a product of every version's catalogue."""
        return next(items for items in self._lists.values() if items)[0][0]

    def mismatch(self, customer_id: str, slate: str, answer: RecommendResponse) -> str | None:
        """Describe how an answer differs from the list of the version that it names; None if it does not."""
        impersonal = answer.fallback in IMPERSONAL
        expected = self._lists.get((answer.model_version, None if impersonal else customer_id, slate))
        if expected is None:
            return f"names version {answer.model_version}, which was never deployed intact"
        found = [(item.product_id, item.score) for item in answer.items]
        same = len(found) == len(expected) and all(
            product == expected_product
            and math.isclose(score, expected_score, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
            for (product, score), (expected_product, expected_score) in zip(found, expected, strict=True)
        )
        return None if same else f"is not the list of version {answer.model_version} (fallback {answer.fallback})"
