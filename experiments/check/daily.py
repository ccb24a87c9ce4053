"""Error rates of experiments of the service: a look each day, and customers who are exposed one after another.

Customers of the real spend get a first exposure at a random time, as visitors of a shop do, and count from then on. The
looks run through the same code as the analysis (`experiments.measurement.seen`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from experiments.errors import ExperimentError
from experiments.identification import Identification
from experiments.measurement.seen import Seen, verdict_of
from experiments.pre_period import PRE_WEEKS, covariates
from experiments.sequential import ALPHA, Looks, announced_looks, crossing_probability
from experiments.verdict import Outcome

DAYS = 28
START_DAYS = 56
"""Different days on which a simulated experiment may start."""

ACTIVE_DAYS = 56
"""Customers may be exposed who bought in so recent days before the start."""

MEAN_DAYS_TO_EXPOSURE = 8.0
ANSWERS_PER_DAY = 0.3
CLICKS = (1.0, 4.0)
"""Parameters of the beta distribution of customers' click rates: 20% on average, and very different."""

DailyMetric = Literal["spend", "clicks"]


@dataclass(frozen=True)
class DailyRates:
    """How often experiments with daily looks gave each verdict, and what their intervals covered.

    Attributes:
        draws: Number of simulated experiments.
        shown: Share with an effect at any look; this is the power where an effect was planted.
        harm: Share with harm at any look.
        promised: Mean power that `experiments.power` promises for the planted effect.
        covered: Share whose interval contained the truth at every look.
        uncorrected: Share in which an uncorrected 95% interval excluded zero on any day.
        customers: Mean number of exposed customers.
    """

    draws: int
    shown: float
    harm: float
    promised: float
    covered: float
    uncorrected: float
    customers: float

    @property
    def wrong(self) -> float:
        """Return the share with any of the two verdicts: false positives where nothing was planted."""
        return self.shown + self.harm


def daily_error_rates(spend: np.ndarray, metric: DailyMetric, lift: float, draws: int, seed: int) -> DailyRates:
    """Simulate experiments of four weeks with a look each day, half of the customers treated.

    Args:
        spend: Float `[customers, days]`, the oldest day first.
        metric: `spend` since the first exposure, or `clicks`: the share of a customer's answers that were clicked.
        lift: Mean effect as a share of a customer's spend; 0 for clicks.
        draws: Number of experiments.
        seed: Seed of the draws.

    Raises:
        ExperimentError: The days do not suffice.
    """
    needed = 7 * PRE_WEEKS + START_DAYS + DAYS
    if spend.shape[1] < needed:
        raise ExperimentError(f"There are {spend.shape[1]} whole days of spend, and the check needs {needed}.")
    rng = np.random.default_rng(seed)
    rows = [_draw(spend, metric, lift, rng) for _ in range(draws)]
    shown, harm, promised, covered, uncorrected, customers = np.mean(rows, axis=0).tolist()
    return DailyRates(draws, shown, harm, promised, covered, uncorrected, customers)


def _draw(spend: np.ndarray, metric: DailyMetric, lift: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Return the attributes of `DailyRates` but the first for one experiment."""
    start = spend.shape[1] - DAYS - int(rng.integers(START_DAYS))
    is_active = (spend[:, start - ACTIVE_DAYS : start] != 0).any(axis=1)
    before, after = spend[is_active, start - 7 * PRE_WEEKS : start], spend[is_active, start : start + DAYS]
    first = np.floor(rng.exponential(MEAN_DAYS_TO_EXPOSURE, len(after))).astype(int)
    keep = first < DAYS
    before, after, first = before[keep], after[keep], first[keep]
    is_treated = rng.random(len(after)) < 0.5
    is_exposed = np.arange(DAYS) >= first[:, None]
    effects = np.zeros_like(after)
    if metric == "spend":
        effects = after * is_exposed * (lift * rng.gamma(4.0, 0.25, (len(after), 1)))
        seen = (after * is_exposed + effects * is_treated[:, None]).cumsum(axis=1)
    else:
        seen = _clicks(is_exposed, first, rng)
    adjusters = covariates(before.reshape(len(before), PRE_WEEKS, 7).sum(axis=2))
    variant = np.where(is_treated, "treated", "control")
    looks = [_seen(day, first <= day, variant, adjusters, {metric: seen[:, day]}) for day in range(DAYS)]
    asked: list[tuple[float, ...]] = []
    verdict = verdict_of(metric, looks, "control", partial(_bounds, asked), DAYS, Identification(()))
    truth = effects.cumsum(axis=1)
    bounds = announced_looks(_FRACTIONS, ALPHA, asked[-1])
    covered, uncorrected = True, False
    for day, bound in enumerate(bounds.bounds):
        measured = looks[day].measured(metric, "control")
        if measured is None:
            continue
        low, high = measured.effects[0].interval(bound)
        covered = covered and low <= float(truth[first <= day, day].mean()) <= high
        naive = measured.effects[0].interval(1.96)
        uncorrected = uncorrected or not naive[0] <= 0 <= naive[1]
    assert verdict.effect is not None
    error = verdict.effect.standard_error
    promised = float(crossing_probability(bounds, float(truth[:, -1].mean()) / error)[:, 0].sum())
    return (
        verdict.outcome is Outcome.EFFECT,
        verdict.outcome is Outcome.HARM,
        promised,
        covered,
        uncorrected,
        len(after),
    )


_FRACTIONS = tuple((day + 1) / DAYS for day in range(DAYS))


def _bounds(asked: list[tuple[float, ...]], correlations: tuple[float, ...]) -> Looks:
    asked.append(correlations)
    return announced_looks(_FRACTIONS, ALPHA, correlations)


def _seen(
    day: int, keep: np.ndarray, variant: np.ndarray, adjusters: np.ndarray, outcomes: Mapping[str, np.ndarray]
) -> Seen:
    kept = {name: values[keep] for name, values in outcomes.items()}
    return Seen(day + 1, np.flatnonzero(keep), variant[keep], adjusters[keep], kept)


def _clicks(is_exposed: np.ndarray, first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the share of clicked answers up to each day, `[customers, days]`; the first exposure is an answer."""
    answers = rng.poisson(ANSWERS_PER_DAY, is_exposed.shape) * is_exposed
    answers[np.arange(len(first)), first] += 1
    clicked = rng.binomial(answers, rng.beta(*CLICKS, (len(first), 1)))
    shares: np.ndarray = clicked.cumsum(axis=1) / np.maximum(answers.cumsum(axis=1), 1)
    return shares
