"""Turn the verdicts about a variant into one advice and a sentence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from experiments.power import weeks_needed
from experiments.sequential import Looks, announced_looks
from experiments.verdict import Outcome, Verdict

MIN_DAYS = 7
"""Days before the advice forecasts a duration: the first days are too few to measure a variance."""


class Advice(StrEnum):
    """The possible advice about a variant."""

    WAIT = "wait"
    GO_ON = "go on"
    STOP = "stop for harm"
    SHIP = "ship"
    KEEP_CONTROL = "keep the control"
    CANNOT_DECIDE = "cannot be decided"
    NOT_IDENTIFIED = "not identified"


@dataclass(frozen=True)
class Advised:
    """An advice with its reason.

    Attributes:
        advice: The advice.
        sentence: The advice for a person, with the figures behind it.
        weeks_needed: Weeks that the smallest effect that matters needs; None where it was not computed.
    """

    advice: Advice
    sentence: str
    weeks_needed: int | None = None


def advise(
    verdicts: Mapping[str, Verdict], primary: str, guardrails: tuple[str, ...], smallest_effect: float, looks: Looks
) -> Advised:
    """Return the advice about one variant against the control.

    Args:
        verdicts: The verdicts about the metrics after the newest look.
        primary: The metric that decides.
        guardrails: Metrics whose harm stops.
        smallest_effect: Smallest effect that matters, as a share of the control's mean.
        looks: All announced looks, one a day.
    """
    verdict = verdicts[primary]
    if verdict.outcome is Outcome.NOT_IDENTIFIED or verdict.effect is None or verdict.interval is None:
        return Advised(Advice.NOT_IDENTIFIED, f"Do not use the result. {verdict.sentence}")
    for name in (primary, *guardrails):
        if verdicts[name].outcome is Outcome.HARM:
            return Advised(Advice.STOP, f"Stop for harm. {verdicts[name].sentence}")
    if verdict.outcome is Outcome.EFFECT:
        return Advised(Advice.SHIP, f"Ship it. {verdict.sentence}")
    days, planned_days = verdict.look, len(looks.fractions)
    smallest = smallest_effect * verdict.effect.control_mean
    if days == planned_days and verdict.interval[1] < smallest:
        return Advised(
            Advice.KEEP_CONTROL,
            f"Keep the control: an effect of {smallest_effect:.1%} or more is outside the interval. {verdict.sentence}",
        )
    if smallest <= 0 or (days < MIN_DAYS and days < planned_days):
        return Advised(Advice.GO_ON, f"Go on. {verdict.sentence}")
    planned = announced_looks(looks.fractions, looks.alpha)
    weeks = math.ceil(weeks_needed(verdict.effect.standard_error, days / 7, smallest, planned))
    if days == planned_days or weeks * 7 > planned_days + 6:
        return Advised(
            Advice.CANNOT_DECIDE,
            f"It cannot be decided with the customers you have; you would need {weeks:,} weeks to show "
            f"{smallest_effect:.1%}, and {planned_days} days are planned. {verdict.sentence}",
            weeks,
        )
    return Advised(Advice.GO_ON, f"Go on; {smallest_effect:.1%} needs about {weeks:,} weeks. {verdict.sentence}", weeks)
