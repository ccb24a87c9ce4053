"""Campaigns without a hold-out: the naive difference next to its placebos, and never a claim.

The customers that a campaign chose differ from the others before it begins. The same difference, measured in windows
before the start, shows how much of the naive one is choice. Equal placebos would prove nothing either: customers may be
chosen for what only the sender expects (`experiments.check.hidden_future`). So the verdict is always the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.effect import Effect, effect
from experiments.verdict import Verdict, not_identified


@dataclass(frozen=True)
class Observational:
    """The comparison of chosen customers with the others.

    Attributes:
        naive: Chosen minus others after the start; it is not an effect.
        placebos: The same difference in windows before the start, the newest first.
        verdict: Not identified, with the reason.
    """

    naive: Effect
    placebos: tuple[Effect, ...]
    verdict: Verdict

    @property
    def struck(self) -> str:
        """Return the naive difference, struck through."""
        return f"~~{self.naive.difference:+.1f}~~"


def observational(
    metric: str, outcome: np.ndarray, placebo_outcomes: Sequence[np.ndarray], is_chosen: np.ndarray
) -> Observational:
    """Compare the customers of a campaign with the others, without calling the difference an effect.

    Args:
        metric: Name of the metric, with its unit.
        outcome: Float `[customers]`, after the start.
        placebo_outcomes: The same metric in windows before the start, the newest first.
        is_chosen: Bool `[customers]`.

    Raises:
        ExperimentError: There are fewer than two chosen customers, or fewer than two others.
    """
    naive = effect(outcome, is_chosen)
    placebos = tuple(effect(before, is_chosen) for before in placebo_outcomes)
    reasons = ["no hold-out was drawn"]
    if placebos and placebos[0].p_value < 0.05:
        reasons.append(
            f"the difference in {metric} between the chosen customers and the others was "
            f"{placebos[0].difference:+.1f} before the start and {naive.difference:+.1f} after it"
        )
    reasons.append("customers chosen for what only the sender expected differ in the same way")
    return Observational(naive, placebos, not_identified(metric, tuple(reasons)))
