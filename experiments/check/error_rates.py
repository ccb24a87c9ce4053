"""Error rates of the verdicts: how often they are wrong where the truth is known."""

from dataclasses import dataclass

import numpy as np

from experiments.check.simulated import Design, Simulated, simulate
from experiments.effect import effect, look_correlations, measure_effects
from experiments.identification import Identification, arms_alike, enough, sample_ratio
from experiments.sequential import Looks, announced_looks, crossing_probability, weekly_looks
from experiments.verdict import Outcome, decide

TREATED, HOLDOUT = "treated", "holdout"
UNCORRECTED = 1.959964


@dataclass(frozen=True)
class Rates:
    """How often simulated experiments of one design and one true effect ended how.

    Attributes:
        draws: Experiments simulated.
        shown: Share with the verdict `effect` at some look: the power where an effect was planted.
        harm: Share with the verdict `harm` at some look.
        blocked: Share with a failed check.
        uncorrected: Share in which a plain 95% interval excluded zero at some look.
        covered: Share in which every look's interval contained the planted effect.
        covered_at_end: Share in which the last look's interval contained it.
        se_factor: Mean of the standard error with adjustment / without it, at the last look.
        promised: Mean power that `experiments.power` promises for the planted effect and the measured standard error.
        half_width: Mean half width of the last interval, as a share of the hold-out's spend.
        customers: Mean number of customers.
    """

    draws: int
    shown: float
    harm: float
    blocked: float
    uncorrected: float
    covered: float
    covered_at_end: float
    se_factor: float
    promised: float
    half_width: float
    customers: float

    @property
    def wrong(self) -> float:
        """Return the share with any of the two verdicts: false positives where nothing was planted."""
        return self.shown + self.harm


def error_rates(spend: np.ndarray, design: Design, lift: float, draws: int, seed: int) -> Rates:
    """Simulate experiments and return how often their verdicts are right.

    Args:
        spend: Float `[customers, weeks]`, the oldest week first.
        design: How the experiments are run.
        lift: The planted effect as a share of spend; 0 for A/A experiments.
        draws: Number of experiments.
        seed: Seed of the draws.

    Raises:
        ExperimentError: The weeks do not suffice.
    """
    rng = np.random.default_rng(seed)
    rows = [_row(simulate(spend, design, lift, rng), design) for _ in range(draws)]
    # A metric that is the same for all customers has no standard error, and so no factor and no promise.
    shown, harm, *others = np.nanmean(rows, axis=0).tolist()
    return Rates(draws, shown, harm, *others)


def _row(drawn: Simulated, design: Design) -> tuple[float, ...]:
    """Return the attributes of `Rates` but the first for one experiment."""
    planned = weekly_looks(design.weeks)
    measured = measure_effects(drawn.outcome, drawn.is_treated, drawn.before)
    found = measured.effects
    looks = announced_looks(planned.fractions, planned.alpha, look_correlations(list(measured.contributions.T)))
    identification = _identification(drawn, design)
    plain = effect(drawn.outcome[:, -1], drawn.is_treated)
    outcome = decide("spend", found, looks, identification).outcome
    inside = [
        _contains(effect.interval(bound), truth)
        for effect, bound, truth in zip(found, looks.bounds, drawn.truth, strict=True)
    ]
    last = found[-1]
    low, high = last.interval(looks.bounds[-1])
    return (
        outcome is Outcome.EFFECT,
        outcome is Outcome.HARM,
        not identification.identified,
        any(not _contains(effect.interval(UNCORRECTED), 0.0) for effect in found),
        all(inside),
        inside[-1],
        last.standard_error / plain.standard_error if plain.standard_error else float("nan"),
        _promised(float(drawn.truth[-1]), last.standard_error, planned),
        (high - low) / 2 / last.control_mean,
        len(drawn.is_treated),
    )


def _identification(drawn: Simulated, design: Design) -> Identification:
    arm = np.where(drawn.is_treated, TREATED, HOLDOUT)
    counts = {TREATED: int(drawn.is_treated.sum()), HOLDOUT: int((~drawn.is_treated).sum())}
    shares = {TREATED: 1 - design.holdout_share, HOLDOUT: design.holdout_share}
    return Identification((enough(counts), sample_ratio(counts, shares), arms_alike(drawn.before, arm)))


def _promised(truth: float, standard_error: float, looks: Looks) -> float:
    if not standard_error:
        return float("nan")
    return float(crossing_probability(looks, truth / standard_error)[:, 0].sum())


def _contains(interval: tuple[float, float], value: float) -> bool:
    return interval[0] <= value <= interval[1]


def broken_assignments_caught(share: float, customers: int, draws: int, seed: int) -> float:
    """Return the share of experiments, planned half and half but assigned with `share`, that the ratio test stops."""
    rng = np.random.default_rng(seed)
    planned = {TREATED: 0.5, HOLDOUT: 0.5}
    counts = rng.binomial(customers, share, draws)
    stopped = [not sample_ratio({TREATED: int(n), HOLDOUT: customers - int(n)}, planned).passed for n in counts]
    return float(np.mean(stopped))
