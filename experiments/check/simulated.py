"""One simulated experiment on real spend: customers drawn into arms, an effect of known size planted, looks weekly."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.errors import ExperimentError
from experiments.pre_period import PRE_WEEKS, covariates

START_WEEKS = 8
"""Different weeks in which a simulated experiment may start."""

ACTIVE_WEEKS = 8
"""Customers take part who bought in so recent weeks before the start."""

_SHAPE = 4.0
"""Shape of the gamma distribution of effects over customers: its standard deviation is half of its mean."""


@dataclass(frozen=True)
class Design:
    """How a simulated experiment is run.

    Attributes:
        weeks: Its duration; each week ends with a look.
        holdout_share: Share of the customers without treatment.
        metric: `spend`, or `conversion`: whether a customer bought at all since the start.
    """

    weeks: int = 4
    holdout_share: float = 0.5
    metric: Literal["spend", "conversion"] = "spend"


@dataclass(frozen=True)
class Simulated:
    """A simulated experiment.

    Attributes:
        outcome: Float `[customers, weeks]`, the metric since the start, up to the end of each week.
        is_treated: Bool `[customers]`.
        before: Float `[customers, covariates]`: `covariates` of the weeks before the start.
        truth: Float `[weeks]`, the planted effect per customer up to the end of each week.
    """

    outcome: np.ndarray
    is_treated: np.ndarray
    before: np.ndarray
    truth: np.ndarray


def simulate(spend: np.ndarray, design: Design, lift: float, rng: np.random.Generator) -> Simulated:
    """Draw one experiment.

    Args:
        spend: Float `[customers, weeks]`, the oldest week first.
        design: How the experiment is run.
        lift: Mean effect as a share of a customer's spend; customers differ in their effect. For conversion, 0.
        rng: The source of randomness.

    Raises:
        ExperimentError: The weeks do not suffice.
    """
    start = spend.shape[1] - design.weeks - int(rng.integers(START_WEEKS))
    if start < PRE_WEEKS:
        needed = PRE_WEEKS + START_WEEKS + design.weeks - 1
        raise ExperimentError(f"There are {spend.shape[1]} whole weeks of spend, and the check needs {needed}.")
    is_active = (spend[:, start - ACTIVE_WEEKS : start] != 0).any(axis=1)
    before, after = spend[is_active, start - PRE_WEEKS : start], spend[is_active, start : start + design.weeks]
    is_treated = rng.random(len(after)) >= design.holdout_share
    if design.metric == "conversion":
        bought = np.logical_or.accumulate(after != 0, axis=1).astype(np.float64)
        return Simulated(bought, is_treated, covariates(before), np.zeros(design.weeks))
    effects = after * (lift * rng.gamma(_SHAPE, 1 / _SHAPE, (len(after), 1)))
    seen = (after + effects * is_treated[:, None]).cumsum(axis=1)
    return Simulated(seen, is_treated, covariates(before), effects.cumsum(axis=1).mean(axis=0))
