"""A customer as the models see one: what was bought, how often, how long ago, and a profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from scoring.customer.recent_interest import NO_INTEREST, RecentInterest
from scoring.schema import HISTORY, HISTORY_PRODUCT_IDS, PROFILE, TRAITS


@dataclass(frozen=True)
class Customer:
    """One customer at one instant.

    Attributes:
        product_ids: The products ever bought, `[n]`.
        history: One float32 array `[n]` for each name in `schema.HISTORY`, aligned with `product_ids`.
        profile: One number for each name in `schema.PROFILE` (0 where unknown).
        traits: One category for each name in `schema.TRAITS` ('' where unknown).
        recent: The effect of recent views, carts and ratings, which no feature contains.
    """

    product_ids: Sequence[str] | np.ndarray
    history: Mapping[str, np.ndarray]
    profile: Mapping[str, float]
    traits: Mapping[str, str]
    recent: RecentInterest = NO_INTEREST

    @classmethod
    def from_features(cls, features: Mapping[str, Any]) -> "Customer":
        """Build from a row of the online store or of a training set; missing features count as unknown.

        History and profile share some names (`baskets`), so the store gives a view's features as `view__feature`.
        """
        product_ids = features.get(HISTORY_PRODUCT_IDS)
        product_ids = [] if product_ids is None else product_ids
        history = {}
        for name in HISTORY:
            values = features.get(f"customer_history__{name}")
            array = np.asarray([] if values is None else values, dtype=np.float32)
            if len(array) != len(product_ids):
                array = np.zeros(len(product_ids), dtype=np.float32)
            history[name] = array
        profile = {name: float(features.get(f"customer_profile__{name}") or 0.0) for name in PROFILE}
        traits = {name: str(features.get(f"customer_profile__{name}") or "") for name in TRAITS}
        return cls(product_ids, history, profile, traits)

    def to_features(self) -> dict[str, Any]:
        """Return the features that `from_features` builds this customer from, as plain values."""
        history = {f"customer_history__{name}": values.tolist() for name, values in self.history.items()}
        profile = {f"customer_profile__{name}": value for name, value in (*self.profile.items(), *self.traits.items())}
        return {HISTORY_PRODUCT_IDS: list(self.product_ids)} | history | profile

    @classmethod
    def empty(cls) -> "Customer":
        """Return a customer without purchases, profile and traits."""
        return cls.from_features({})

    @cached_property
    def is_new(self) -> bool:
        """Whether the customer never bought anything."""
        return len(self.product_ids) == 0
