"""The arms of an experiment: who was assigned to which variant, and since when they count."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from experiments.identification import Check


@dataclass(frozen=True)
class Arms:
    """Every assigned customer with the first decision about them.

    Attributes:
        customer_ids: Text `[customers]`, ascending.
        variant: Text `[customers]`, the arm.
        decided_at: Microseconds `[customers]`, naive UTC.
        holdout: The variant without treatment; None if there is none.
        shares: Share of each variant according to the logged propensities.
        checks: The checks that need the decisions only.
        unassigned: Customers who were left out before arms were drawn.
    """

    customer_ids: np.ndarray
    variant: np.ndarray
    decided_at: np.ndarray
    holdout: str | None
    shares: Mapping[str, float]
    checks: tuple[Check, ...]
    unassigned: int

    @property
    def is_treated(self) -> np.ndarray:
        """Return who is in an arm with treatment."""
        return np.asarray(self.variant != self.holdout)

    def rows(self, keep: np.ndarray) -> "Arms":
        """Return the arms of these customers only."""
        return Arms(
            self.customer_ids[keep],
            self.variant[keep],
            self.decided_at[keep],
            self.holdout,
            self.shares,
            self.checks,
            self.unassigned,
        )
