"""Carry what a request asks for, from the service's handler to the recommender."""

from dataclasses import dataclass
from datetime import datetime

from scoring.models.ranker import Slate
from scoring.reranking.business_rules import NO_RULES, BusinessRules


@dataclass(frozen=True)
class RecommendationRequest:
    """Describe one list.

    Args:
        slate: The purpose of the list.
        k: Its length.
        rules: The shop's business rules. They exclude what is in the basket.
        restrict_to: Product ids to rank instead of the candidates; None for the candidates.
        customer_id: The customer; None if the caller has the customer at hand.
        time: The time for which features are computed (naive UTC); None for the time of the features.
        basket: Product ids in the basket, each once.
        baseline: Whether the baseline answers instead of the model.
    """

    slate: Slate = "all"
    k: int = 10
    rules: BusinessRules = NO_RULES
    restrict_to: tuple[str, ...] | None = None
    customer_id: str | None = None
    time: datetime | None = None
    basket: tuple[str, ...] = ()
    baseline: bool = False
