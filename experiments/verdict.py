"""The verdict about one metric at one announced look, with a sentence for people."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from experiments.effect import Effect
from experiments.identification import Identification
from experiments.power import POWER, visible_drift
from experiments.sequential import Looks, announced_looks


class Outcome(StrEnum):
    """The possible answers of an experiment about a metric."""

    EFFECT = "effect"
    HARM = "harm"
    NOTHING_VISIBLE = "nothing visible"
    NOT_IDENTIFIED = "not identified"


@dataclass(frozen=True)
class Verdict:
    """The answer about one metric.

    Attributes:
        metric: Name of the metric.
        outcome: The kind of answer.
        sentence: The answer for a person.
        effect: The measured effect; None if the experiment does not identify one, so that no number is shown.
        interval: Interval of the difference that is valid at every announced look together, in the metric's unit.
        smallest_visible: The effect that the last look shows with a power of 80%, in the metric's unit.
        look: Number of the look, from 1.
        looks: Number of announced looks.
    """

    metric: str
    outcome: Outcome
    sentence: str
    effect: Effect | None
    interval: tuple[float, float] | None
    smallest_visible: float | None
    look: int
    looks: int


def not_identified(metric: str, reasons: tuple[str, ...], look: int = 0, looks: int = 0) -> Verdict:
    """Return the verdict of an experiment that cannot be measured, without any number."""
    sentence = f"Not identified: {'; '.join(reasons)}."
    return Verdict(metric, Outcome.NOT_IDENTIFIED, sentence, None, None, None, look, looks)


def decide(
    metric: str,
    found: Effect,
    looks: Looks,
    look: int,
    identification: Identification,
    higher_is_better: bool = True,
) -> Verdict:
    """Return the verdict about a metric.

    Args:
        metric: Name of the metric, as the sentence shows it.
        found: The measured effect.
        looks: The announced looks.
        look: Number of the present look, from 1.
        identification: The experiment's checks.
        higher_is_better: Whether more of the metric is wanted; False for instance for cancellations.
    """
    count = len(looks.fractions)
    if not identification.identified:
        return not_identified(metric, identification.reasons, look, count)
    low, high = found.interval(looks.bounds[look - 1])
    # The information of the last look is known only then; until then the planned growth is assumed.
    error = found.standard_error * np.sqrt(looks.fractions[look - 1])
    planned = announced_looks(looks.fractions, looks.alpha)
    visible = float(visible_drift(planned, POWER) * error)
    if low > 0 or high < 0:
        outcome = Outcome.EFFECT if (low > 0) == higher_is_better else Outcome.HARM
    else:
        outcome = Outcome.NOTHING_VISIBLE
    figures = _figures(metric, found, (low, high), 1 - looks.alpha)
    position = f"look {look} of {count}"
    sentence = {
        Outcome.EFFECT: f"Effect shown: {figures}, {position}.",
        Outcome.HARM: f"Harm: {figures}, {position}.",
        Outcome.NOTHING_VISIBLE: (
            f"Nothing visible{' yet' if look < count else ''}: {figures}, {position}. "
            f"{'The last look would show' if look < count else 'It could show'} an effect from about "
            f"{_amount(visible, found)} on (power {POWER:.0%})."
        ),
    }[outcome]
    return Verdict(metric, outcome, sentence, found, (low, high), visible, look, count)


def _figures(metric: str, found: Effect, interval: tuple[float, float], confidence: float) -> str:
    low, high = interval
    level = f"{100 * confidence:.3g}%"
    interval_words = f"{level} interval {_signed(low, found)} to {_signed(high, found)}"
    return f"{metric} {_signed(found.difference, found)} ({interval_words})"


def _signed(value: float, found: Effect) -> str:
    if found.control_mean <= 0:
        return f"{value:+.3g}"
    return f"{value / found.control_mean:+.1%}"


def _amount(value: float, found: Effect) -> str:
    return _signed(value, found).lstrip("+")
