"""The verdict about one metric after the announced looks so far, with a sentence for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from experiments.effect import Effect
from experiments.identification import Identification
from experiments.power import POWER, visible_drift
from experiments.sequential import Looks, announced_looks

TOO_FEW = "too few customers were assigned before the look"


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
        decided_at: Number of the first look whose interval excluded zero; None if none did.
    """

    metric: str
    outcome: Outcome
    sentence: str
    effect: Effect | None
    interval: tuple[float, float] | None
    smallest_visible: float | None
    look: int
    looks: int
    decided_at: int | None = None


def not_identified(metric: str, reasons: tuple[str, ...], look: int = 0, looks: int = 0) -> Verdict:
    """Return the verdict of an experiment that cannot be measured, without any number."""
    sentence = f"Not identified: {'; '.join(reasons)}."
    return Verdict(metric, Outcome.NOT_IDENTIFIED, sentence, None, None, None, look, looks)


def decide(
    metric: str,
    found: Sequence[Effect | None],
    looks: Looks,
    identification: Identification,
    higher_is_better: bool = True,
) -> Verdict:
    """Return the verdict about a metric after the looks so far.

    The first look that crossed its bound decides, because a bound that was crossed stays crossed. The figures are those
    of the newest look, because the estimate of a look that stops early is too large on average.

    Args:
        metric: Name of the metric, as the sentence shows it.
        found: The measured effect at each look so far; None at a look without enough customers, never at the newest.
        looks: The announced looks.
        identification: The experiment's checks.
        higher_is_better: Whether more of the metric is wanted; False for instance for cancellations.
    """
    look, count = len(found), len(looks.fractions)
    newest = found[-1] if found else None
    if not identification.identified or newest is None:
        return not_identified(metric, identification.reasons or (TOO_FEW,), look, count)
    outcome, decided_at = Outcome.NOTHING_VISIBLE, None
    for number, (effect, bound) in enumerate(zip(found, looks.bounds, strict=False), start=1):
        low, high = effect.interval(bound) if effect is not None else (0.0, 0.0)
        if low > 0 or high < 0:
            outcome = Outcome.EFFECT if (low > 0) == higher_is_better else Outcome.HARM
            decided_at = number
            break
    interval = newest.interval(looks.bounds[look - 1])
    # The information of the last look is known only then; until then the planned growth is assumed.
    error = newest.standard_error * np.sqrt(looks.fractions[look - 1])
    planned = announced_looks(looks.fractions, looks.alpha)
    visible = float(visible_drift(planned, POWER) * error)
    words = {Outcome.EFFECT: "Effect shown", Outcome.HARM: "Harm"}.get(outcome, "Nothing visible")
    if decided_at is not None and decided_at < look:
        words += f" at look {decided_at}"
    if decided_at is None and look < count:
        words += " yet"
    sentence = f"{words}: {_figures(metric, newest, interval, 1 - looks.alpha)}, look {look} of {count}."
    if decided_at is None:
        sentence += (
            f" {'The last look would show' if look < count else 'It could show'} an effect from about "
            f"{_signed(visible, newest).lstrip('+')} on (power {POWER:.0%})."
        )
    return Verdict(metric, outcome, sentence, newest, interval, visible, look, count, decided_at)


def _figures(metric: str, found: Effect, interval: tuple[float, float], confidence: float) -> str:
    low, high = interval
    level = f"{100 * confidence:.3g}%"
    interval_words = f"{level} interval {_signed(low, found)} to {_signed(high, found)}"
    return f"{metric} {_signed(found.difference, found)} ({interval_words})"


def _signed(value: float, found: Effect) -> str:
    if found.control_mean <= 0:
        return f"{value:+.3g}"
    return f"{value / found.control_mean:+.1%}"
