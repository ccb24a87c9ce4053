"""Plan an experiment: the smallest effect it can show, its chance to show one, and the customers it needs."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from experiments.errors import ExperimentError
from experiments.sequential import Looks, announced_looks, crossing_probability

POWER = 0.8

_MAX_DRIFT = 40.0


@dataclass(frozen=True)
class Plan:
    """The figures that are fixed before an experiment starts.

    Attributes:
        customers: Customers in the treated arm and in the hold-out.
        deviation: Standard deviation of the metric between customers, in its unit.
        se_factor: Standard error after adjustment / without it; 1 without, about .56 for four weeks of spend (CUPED).
        looks: The announced looks.
    """

    customers: tuple[int, int]
    deviation: float
    se_factor: float = 1.0
    looks: Looks = field(default_factory=announced_looks)

    @property
    def standard_error(self) -> float:
        """Return the standard error of the difference of arms at the last look, in the metric's unit."""
        treated, control = self.customers
        return float(self.se_factor * self.deviation * np.sqrt(1 / treated + 1 / control))


def smallest_visible_effect(
    customers: tuple[int, int],
    deviation: float,
    se_factor: float = 1.0,
    looks: Looks | None = None,
    power: float = POWER,
) -> float:
    """Return the smallest effect that the experiment shows with probability `power`, in the metric's unit.

    Args:
        customers: Customers in the treated arm and in the hold-out.
        deviation: Standard deviation of the metric between customers; sqrt(p (1 - p)) for a share p.
        se_factor: Standard error after adjustment / without it.
        looks: The announced looks; a single one at the end by default.
        power: Chance to cross the upper bound at any look.

    Raises:
        ExperimentError: An arm is empty, or a number is outside its range.
    """
    looks = looks or announced_looks()
    _check(customers, deviation, se_factor, power)
    return Plan(customers, deviation, se_factor, looks).standard_error * visible_drift(looks, power)


@lru_cache(maxsize=256)
def visible_drift(looks: Looks, power: float = POWER) -> float:
    """Return the effect, in standard errors of the last look, that crosses the upper bound with probability `power`."""

    def missing(drift: float) -> float:
        return float(crossing_probability(looks, drift)[:, 0].sum()) - power

    # Imported here, because it takes half a second to load, and most commands about campaigns compute no power.
    from scipy.optimize import brentq

    return float(brentq(missing, 0.0, _MAX_DRIFT, xtol=1e-8))


def chance_to_show(effect: float, plan: Plan) -> float:
    """Return the probability that the experiment shows an effect of this size, with the right sign.

    Args:
        effect: The true effect in the metric's unit.
        plan: The experiment.

    Raises:
        ExperimentError: An arm is empty, or a number is outside its range.
    """
    _check(plan.customers, plan.deviation, plan.se_factor, POWER)
    crossed = crossing_probability(plan.looks, abs(effect) / plan.standard_error)
    return float(crossed[:, 0].sum())


def customers_needed(
    effect: float,
    deviation: float,
    holdout_share: float,
    se_factor: float = 1.0,
    looks: Looks | None = None,
    power: float = POWER,
) -> int:
    """Return how many customers both arms need together to show an effect with probability `power`.

    Args:
        effect: The smallest effect that matters, in the metric's unit.
        deviation: Standard deviation of the metric between customers.
        holdout_share: Share of customers in the hold-out.
        se_factor: Standard error after adjustment / without it.
        looks: The announced looks; a single one at the end by default.
        power: Chance to show the effect.

    Raises:
        ExperimentError: A number is outside its range.
    """
    if not 0 < holdout_share < 1:
        raise ExperimentError(f"The hold-out share is {holdout_share}; write a number between 0 and 1.")
    if effect == 0:
        raise ExperimentError("An effect of 0 needs infinitely many customers; name the smallest one that matters.")
    _check((1, 1), deviation, se_factor, power)
    drift = visible_drift(looks or announced_looks(), power)
    variance = (se_factor * deviation) ** 2 / (holdout_share * (1 - holdout_share))
    return int(np.ceil(variance * (drift / effect) ** 2))


def weeks_needed(standard_error: float, weeks: float, effect: float, looks: Looks, power: float = POWER) -> float:
    """Return after how many weeks an experiment would show an effect with probability `power`.

    Information is taken to grow with time as it did so far: twice the weeks halve the variance of the difference.

    Args:
        standard_error: Standard error of the difference after `weeks`, in the metric's unit.
        weeks: Weeks that have passed.
        effect: The smallest effect that matters, in the metric's unit.
        looks: The announced looks.
        power: Chance to show the effect.

    Raises:
        ExperimentError: The effect is 0, or no week has passed.
    """
    if effect == 0 or weeks <= 0:
        raise ExperimentError(f"An effect of {effect:g} after {weeks:g} weeks allows no forecast; both must exceed 0.")
    return float(weeks * (standard_error * visible_drift(looks, power) / effect) ** 2)


def _check(customers: tuple[int, int], deviation: float, se_factor: float, power: float) -> None:
    if min(customers) < 1:
        raise ExperimentError(f"The arms have {customers[0]} and {customers[1]} customers; each needs at least one.")
    if not (np.isfinite(deviation) and deviation >= 0):
        raise ExperimentError(f"The standard deviation is {deviation}; it must be a number of at least 0.")
    if not se_factor > 0:
        raise ExperimentError(f"The factor of the standard error is {se_factor}; it must be above 0.")
    if not 0 < power < 1:
        raise ExperimentError(f"The power is {power}; write a probability such as 0.8.")
