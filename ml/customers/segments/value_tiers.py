"""The value axis: three tiers by the spend of 26 weeks, as shares of all customers who spent anything."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml.customers.segments.customers import Customers
from ml.customers.segments.scheme import UNASSIGNED, Segment

SHARES = (0.5, 0.3, 0.2)
"""Share of the customers in the low, medium and high tier."""


@dataclass(frozen=True)
class ValueTiers:
    """Tiers between thresholds of log spend; the thresholds move with the spend of all customers.

    Attributes:
        margin: how far beyond a threshold, in log spend, a customer must be to change tier.
        thresholds: log spend at which a tier ends, ascending.
    """

    margin: float
    thresholds: tuple[float, ...] = ()

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Return the tiers, lowest spend first."""
        low, medium, high = (f"{share:.0%}" for share in SHARES)
        return (
            Segment("low", f"Low spend: the lower {low} of customers by 26-week spend"),
            Segment("medium", f"Medium spend: the next {medium} of customers by 26-week spend"),
            Segment("high", f"High spend: the top {high} of customers by 26-week spend"),
        )

    def at(self, customers: Customers) -> "ValueTiers":
        """Return the tiers with the thresholds of these customers."""
        spend = customers.spend[customers.spend > 0]
        if len(spend) == 0:
            return replace(self, thresholds=(np.inf,) * (len(SHARES) - 1))
        cuts = np.quantile(np.log(spend), np.cumsum(SHARES)[:-1])
        return replace(self, thresholds=tuple(float(cut) for cut in cuts))

    def assign(self, customers: Customers, previous: np.ndarray | None = None) -> np.ndarray:
        """Return the tier of each customer, int `[n]`; `UNASSIGNED` without spend."""
        spent = customers.spend > 0
        log_spend = np.log(np.where(spent, customers.spend, 1.0))
        tier = np.searchsorted(np.array(self.thresholds), log_spend, side="right")
        if previous is not None:
            edges = np.array([-np.inf, *self.thresholds, np.inf])
            lower, upper = edges[np.maximum(previous, 0)], edges[np.maximum(previous, 0) + 1]
            stays = (previous >= 0) & (log_spend >= lower - self.margin) & (log_spend <= upper + self.margin)
            tier = np.where(stays, previous, tier)
        return np.where(spent, tier, UNASSIGNED)

    def as_dict(self) -> dict[str, Any]:
        """Return what defines the tiers."""
        return {"margin": self.margin}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "ValueTiers":
        """Return the tiers that `as_dict` described."""
        return cls(fields["margin"])

    @classmethod
    def fit(cls, customers: Customers, margin: float) -> "ValueTiers":
        """Return tiers with the thresholds of these customers."""
        return cls(margin).at(customers)
