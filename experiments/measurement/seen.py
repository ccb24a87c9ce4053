"""The data of each look that was reached, and the verdict about one metric over all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from experiments.effect import Measured, look_correlations, measure_effects
from experiments.identification import Identification
from experiments.measurement.arms import Arms
from experiments.pre_period import covariates
from experiments.sequential import Looks
from experiments.verdict import Verdict, decide, not_identified

OutcomesAt = Callable[[Arms, datetime], Mapping[str, np.ndarray]]
"""Returns each metric of the given customers from their decision up to an instant, float `[customers]` by name."""

BoundsOf = Callable[[tuple[float, ...]], Looks]
"""Returns the bounds of all announced looks, given the measured correlations of neighbouring looks."""


@dataclass(frozen=True)
class Seen:
    """The customers decided about before a look, with their metrics at it.

    Attributes:
        look: Number of the look, from 1.
        rows: Positions of the customers among all of the campaign, `[customers]`.
        variant: Text `[customers]`.
        before: Float `[customers, covariates]`.
        outcomes: Each metric, float `[customers]`.
    """

    look: int
    rows: np.ndarray
    variant: np.ndarray
    before: np.ndarray
    outcomes: Mapping[str, np.ndarray]

    @classmethod
    def at(cls, look: int, arms: Arms, before: np.ndarray, outcomes_at: OutcomesAt, instant: datetime) -> "Seen":
        """Return the data of a look at an instant (naive UTC)."""
        keep = arms.decided_at < np.datetime64(instant, "us")
        kept = arms.rows(keep)
        outcomes = outcomes_at(kept, instant)
        return cls(look, np.flatnonzero(keep), kept.variant, covariates(before[keep]), outcomes)

    def only(self, variant: str, holdout: str | None) -> "Seen":
        """Return the data of one variant and the hold-out."""
        keep = (self.variant == variant) | (self.variant == holdout)
        outcomes = {name: values[keep] for name, values in self.outcomes.items()}
        return Seen(self.look, self.rows[keep], self.variant[keep], self.before[keep], outcomes)

    def measured(self, metric: str, holdout: str | None) -> Measured | None:
        """Return the effect on a metric; None if an arm has fewer than two customers yet."""
        is_treated = self.variant != holdout
        if min(int(is_treated.sum()), int((~is_treated).sum())) < 2:
            return None
        return measure_effects(self.outcomes[metric][:, None], is_treated, self.before)


def verdict_of(
    metric: str,
    seen: Sequence[Seen],
    holdout: str | None,
    bounds_of: BoundsOf,
    done: int,
    identification: Identification,
) -> Verdict:
    """Return the verdict about a metric.

    Args:
        metric: Name of the metric.
        seen: The looks that were reached, the first one first.
        holdout: The variant without treatment.
        bounds_of: Returns the bounds.
        done: Number of looks that were reached.
        identification: The campaign's checks.
    """
    if not identification.identified:
        return not_identified(metric, identification.reasons, done, len(bounds_of(()).bounds))
    measured = [found.measured(metric, holdout) for found in seen]
    looks = bounds_of(_correlations(seen, measured))
    return decide(
        metric, [None if of_look is None else of_look.effects[0] for of_look in measured], looks, identification
    )


def _correlations(seen: Sequence[Seen], measured: Sequence[Measured | None]) -> tuple[float, ...]:
    """Return the correlation of each look's effect with the next one's; NaN next to a look that cannot be compared."""
    customers = 1 + max(int(found.rows.max(initial=-1)) for found in seen)
    contributions = []
    for found, of_look in zip(seen, measured, strict=True):
        of_all = np.zeros(customers)
        if of_look is not None:
            of_all[found.rows] = of_look.contributions[:, 0]
        contributions.append(of_all)
    return look_correlations(contributions)
