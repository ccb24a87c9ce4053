"""Why an observational campaign identifies nothing: customers targeted for what they are about to do.

A campaign without effect is simulated. Its targeting follows old spend, which the data shows, future spend, which only
the sender expected, and chance. The difference is adjusted for all past spend, and a placebo measures the same
difference four weeks before the start. It passes, although the "effect" is made of targeting alone.
"""

from dataclasses import dataclass

import numpy as np

from experiments.check.simulated import ACTIVE_WEEKS, START_WEEKS
from experiments.effect import effect
from experiments.pre_period import PRE_WEEKS, covariates

WEEKS = 4
HIDDEN_SHARE = 0.6
"""Weight of the hidden future in the targeting score; old spend has the rest."""

_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class HiddenFuture:
    """The findings of an adjusted comparison in campaigns that had no effect.

    Attributes:
        draws: Campaigns simulated.
        significant: Share with a "significant" adjusted difference.
        placebo_catches: Share whose placebo is "significant", which would reveal the targeting.
        bias: Mean adjusted difference, as a share of untreated spend.
    """

    draws: int
    significant: float
    placebo_catches: float
    bias: float

    @property
    def sentence(self) -> str:
        """Return the finding for a person."""
        return (
            f"{self.draws} campaigns without effect, targeted on hidden expectations: adjusted for past spend, "
            f"{self.significant:.0%} look significant ({self.bias:+.1%} of spend), and a placebo four weeks earlier "
            f"catches {self.placebo_catches:.0%}. So a comparison without a hold-out proves nothing."
        )


def hidden_future(spend: np.ndarray, draws: int, seed: int) -> HiddenFuture:
    """Simulate campaigns that are targeted on the hidden future and have no effect.

    Args:
        spend: Float `[customers, weeks]`, the oldest week first.
        draws: Number of campaigns.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        start = spend.shape[1] - WEEKS - int(rng.integers(START_WEEKS))
        is_active = (spend[:, start - ACTIVE_WEEKS : start] != 0).any(axis=1)
        active = spend[is_active]
        after = active[:, start : start + WEEKS].sum(axis=1)
        past = covariates(active[:, start - PRE_WEEKS : start])
        is_treated = _targeted(after, past, rng)
        placebo_outcome = active[:, start - WEEKS : start].sum(axis=1)
        placebo_past = covariates(active[:, start - PRE_WEEKS - WEEKS : start - WEEKS])
        measured = effect(after, is_treated, past)
        placebo = effect(placebo_outcome, is_treated, placebo_past)
        found.append((measured.p_value < _SIGNIFICANT, placebo.p_value < _SIGNIFICANT, measured.relative))
    significant, caught, bias = np.mean(found, axis=0).tolist()
    return HiddenFuture(draws, significant, caught, bias)


def _targeted(after: np.ndarray, past: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the half of the customers with the highest scores of future surprise, old spend and chance."""
    design = np.column_stack([np.ones(len(past)), past])
    surprise = after - design @ np.linalg.lstsq(design, after, rcond=None)[0]
    score = HIDDEN_SHARE * _rank(surprise) + (1 - HIDDEN_SHARE) * _rank(past[:, 2]) + rng.normal(0, 1, len(past))
    return np.asarray(score >= np.median(score))


def _rank(values: np.ndarray) -> np.ndarray:
    """Return ranks between 0 and 1."""
    return np.asarray(values.argsort().argsort() / len(values))
