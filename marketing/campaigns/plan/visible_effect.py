"""Compute the smallest effect that a campaign's hold-out can show, from how the customers varied in the last weeks."""

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.identification import MIN_ARM_CUSTOMERS
from experiments.power import smallest_visible_effect
from experiments.sequential import Looks, announced_looks
from marketing.campaigns.definition.campaign import Experiment

METRICS = {"spend": ("spend_4w", "spend_13w"), "visits": ("baskets_4w", "baskets_13w")}
METRICS |= {"conversion": METRICS["visits"], "retention": METRICS["visits"]}
LEAST = 30
"""Customers that a standard deviation is computed from at least."""

NEEDED = f"an arm needs {MIN_ARM_CUSTOMERS} customers, or its result is not identified"
"""The condition under which a campaign's effect is measured."""

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of a hold-out that are compared."""


@dataclass(frozen=True)
class VisibleEffect:
    """The smallest effect.

    Attributes:
        metric: the primary metric, of four weeks.
        effect: in its unit.
        mean: of the metric over the eligible customers in the last four weeks.
        customers: in the arm that gets the message, and in the hold-out.
        se_factor: standard error after adjustment by the nine weeks before / without it.
    """

    metric: str
    effect: float
    mean: float
    customers: tuple[int, int]
    se_factor: float

    def to_json(self) -> dict[str, float | bool | None]:
        """Return the arms and the effect, also as a share of the mean, as JSON values."""
        relative = self.effect / self.mean if self.mean else None
        arms = {"messages": self.customers[0], "held_out": self.customers[1]}
        return {**arms, "effect": self.effect, "relative": relative, "is_measurable": self.is_measurable}

    @property
    def is_measurable(self) -> bool:
        """Return whether both arms are large enough for a result that is identified."""
        return min(self.customers) >= MIN_ARM_CUSTOMERS

    def sentence(self) -> str:
        """Return the effect as a sentence, or why none can be measured and what to change."""
        if not self.is_measurable:
            return _too_few(self.customers)
        share = f", {self.effect / self.mean:.1%} of {self.mean:.2f}" if self.mean else ""
        return (
            f"With {self.customers[0]:,} messages and {self.customers[1]:,} customers in the hold-out, effects on "
            f"{self.metric} from {self.effect:.2f}{share}, become visible in four weeks (80% power, 5% false alarms)."
        )


def visible_effect(
    experiment: Experiment, profiles: pa.Table, planned: pa.Array, held_out: pa.Array
) -> VisibleEffect | str:
    """Return the smallest visible effect, or the reason why none can be computed as a sentence.

    Args:
        experiment: the hold-out, metric and looks.
        profiles: customer_id and the columns of `METRICS` at the newest snapshot.
        planned: customers who get the message.
        held_out: customers of the hold-out.
    """
    arms = (len(planned), len(held_out))
    if min(arms) < 1:
        return f"{arms[0]:,} messages and a hold-out of {arms[1]:,} customers show no effect: both arms need customers."
    both = pa.concat_arrays([planned, held_out])
    rows = profiles.filter(pc.is_in(profiles["customer_id"], both))
    if len(rows) < LEAST:
        return f"Only {len(rows)} of the customers have a history, so no smallest effect is computed."
    recent, longer = (np.asarray(rows[name].to_numpy(), np.float64) for name in METRICS[experiment.metric])
    outcome = (recent > 0).astype(np.float64) if experiment.metric in ("conversion", "retention") else recent
    deviation, factor = float(outcome.std(ddof=1)), _se_factor(outcome, longer - recent)
    effect = smallest_visible_effect(arms, deviation, factor, looks_of(experiment))
    return VisibleEffect(experiment.metric, effect, float(outcome.mean()), arms, factor)


def effects_by_holdout(experiment: Experiment, profiles: pa.Table, eligible: pa.Array) -> list[VisibleEffect]:
    """Return the smallest visible effect at each of `SHARES`; a share at which none can be computed is left out.

    Args:
        experiment: the metric and looks.
        profiles: as in `visible_effect`.
        eligible: customers who get the message or are held out.
    """
    held_out = [round(share * len(eligible)) for share in SHARES]
    found = [visible_effect(experiment, profiles, eligible[count:], eligible[:count]) for count in held_out]
    return [effect for effect in found if isinstance(effect, VisibleEffect)]


def _too_few(arms: tuple[int, int]) -> str:
    """Return how many customers are missing, and the share of a hold-out that would do."""
    names = ("messages", "customers in the hold-out")
    pairs = zip(arms, names, strict=True)
    few = " and ".join(f"{count:,} {name}" for count, name in pairs if count < MIN_ARM_CUSTOMERS)
    total, least = sum(arms), MIN_ARM_CUSTOMERS / sum(arms)
    if total < 2 * MIN_ARM_CUSTOMERS:
        step = f"Reach at least {2 * MIN_ARM_CUSTOMERS:,} customers; these are {total:,}"
    elif arms[1] < MIN_ARM_CUSTOMERS:
        step = f"Hold out at least {math.ceil(100 * least)}% of these {total:,} customers"
    else:
        step = f"Hold out at most {math.floor(100 * (1 - least))}% of these {total:,} customers"
    return f"With {few} no effect can be measured: {NEEDED}. {step}, unless later plans add some."


def looks_of(experiment: Experiment, start: date | None = None) -> Looks:
    """Return the announced looks; a look's information is its share of the days until the last one."""
    if len(experiment.looks) < 2:
        return announced_looks()
    first = start or experiment.looks[0] - timedelta(days=7)
    days = [(look - first).days for look in experiment.looks]
    return announced_looks(tuple(day / days[-1] for day in days))


def _se_factor(outcome: np.ndarray, before: np.ndarray) -> float:
    if outcome.std() == 0 or before.std() == 0:
        return 1.0
    correlation = float(np.corrcoef(outcome, before)[0, 1])
    return max(float(np.sqrt(1 - correlation**2)), 0.05)
