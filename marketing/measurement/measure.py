"""Measure one campaign: its arms, the effect on each metric at the announced looks, and a sentence for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from experiments.effect import effects
from experiments.identification import Identification, identify
from experiments.pre_period import covariates
from experiments.sequential import ALPHA, Looks
from experiments.verdict import Outcome, Verdict, decide, not_identified
from marketing.measurement.announcement import METRICS, Announcement
from marketing.measurement.arms import Arms

OutcomesAt = Callable[[Arms, datetime], Mapping[str, np.ndarray]]
"""Returns each metric of the given customers from their decision up to an instant, float `[customers]` by name."""


@dataclass(frozen=True)
class CampaignResult:
    """The result of a campaign at the newest look that data covers.

    Attributes:
        announcement: The primary metric and the looks.
        counts: Assigned customers by variant.
        unassigned: Customers left out before arms were drawn; they take part in nothing.
        days: Days of the announced looks.
        looks_done: How many of them the data covers.
        identification: The checks; empty before the first look.
        verdicts: By metric, the primary one first; empty before the first look.
        by_variant: By treated variant, the verdict about the primary metric; empty unless there are several.
    """

    announcement: Announcement
    counts: Mapping[str, int]
    unassigned: int
    days: tuple[date, ...]
    looks_done: int
    identification: Identification
    verdicts: Mapping[str, Verdict]
    by_variant: Mapping[str, Verdict]

    @property
    def sentence(self) -> str:
        """Return the answer about the primary metric."""
        if not self.looks_done:
            return f"Not measured yet: the data does not reach the first look on {self.days[0]}."
        return self.verdicts[self.announcement.metric].sentence


def measure_campaign(
    announcement: Announcement,
    arms: Arms,
    before: np.ndarray,
    outcomes_at: OutcomesAt,
    start: date,
    known_until: date,
    start_of_day: Callable[[date], datetime],
) -> CampaignResult:
    """Measure a campaign by intention to treat.

    The primary metric has the whole alpha. The others share another one equally, and so do several variants, so that a
    long list of numbers does not produce an effect by chance.

    Args:
        announcement: The primary metric and the looks.
        arms: Assigned customers.
        before: Float `[customers, 16]`, spend in the weeks before the decision.
        outcomes_at: Returns the metrics at a look.
        start: Local day of the first decision.
        known_until: Purchases before this local day are known.
        start_of_day: Returns the instant at which a local day begins, naive UTC.
    """
    days = announcement.days(start)
    done = sum(day <= known_until for day in days)
    names, counts = np.unique(arms.variant, return_counts=True)
    counted = dict(zip(names.tolist(), counts.tolist(), strict=True))
    identification = Identification(())
    verdicts: dict[str, Verdict] = {}
    by_variant: dict[str, Verdict] = {}
    if done:
        identification = _identification(arms, before, counted)
        seen = []
        if identification.identified:
            seen = [_Seen.at(arms, before, outcomes_at, start_of_day(day)) for day in days[:done]]
        others = len(METRICS) - 1
        for metric in (announcement.metric, *(name for name in METRICS if name != announcement.metric)):
            alpha = ALPHA if metric == announcement.metric else ALPHA / others
            bounds = announcement.bounds(start, alpha)
            verdicts[metric] = _verdict(metric, seen, arms.holdout, bounds, done, identification)
        variants = [name for name in counted if name != arms.holdout]
        if len(variants) > 1:
            bounds = announcement.bounds(start, ALPHA / len(variants))
            for name in variants:
                only = [found.only(name, arms.holdout) for found in seen]
                metric = announcement.metric
                by_variant[name] = _verdict(metric, only, arms.holdout, bounds, done, identification)
    return CampaignResult(announcement, counted, arms.unassigned, days, done, identification, verdicts, by_variant)


@dataclass(frozen=True)
class _Seen:
    """The customers decided about before a look, with their metrics at it."""

    variant: np.ndarray
    before: np.ndarray
    outcomes: Mapping[str, np.ndarray]

    @classmethod
    def at(cls, arms: Arms, before: np.ndarray, outcomes_at: OutcomesAt, instant: datetime) -> "_Seen":
        keep = arms.decided_at < np.datetime64(instant, "us")
        kept = arms.rows(keep)
        return cls(kept.variant, covariates(before[keep]), outcomes_at(kept, instant))

    def only(self, variant: str, holdout: str | None) -> "_Seen":
        keep = (self.variant == variant) | (self.variant == holdout)
        outcomes = {name: values[keep] for name, values in self.outcomes.items()}
        return _Seen(self.variant[keep], self.before[keep], outcomes)


def _identification(arms: Arms, before: np.ndarray, counts: Mapping[str, int]) -> Identification:
    found = identify(counts, arms.shares, arms.holdout, covariates(before), arms.variant)
    return Identification((*arms.checks, *found.checks))


def _verdict(
    metric: str, seen: list[_Seen], holdout: str | None, bounds: Looks, done: int, identification: Identification
) -> Verdict:
    """Return the verdict of the newest look; a bound that an earlier look crossed stays crossed."""
    if not identification.identified:
        return not_identified(metric, identification.reasons, done, len(bounds.fractions))
    verdicts = []
    for look, found in enumerate(seen, start=1):
        is_treated = found.variant != holdout
        if min(is_treated.sum(), (~is_treated).sum()) < 2:
            continue  # too few decisions lie before an early look
        measured = effects(found.outcomes[metric][:, None], is_treated, found.before)[0]
        verdicts.append(decide(metric, measured, bounds, look, identification))
    if not verdicts:
        return not_identified(
            metric, ("too few customers were decided about before the look",), done, len(bounds.bounds)
        )
    crossed = (verdict for verdict in verdicts if verdict.outcome is not Outcome.NOTHING_VISIBLE)
    return next(crossed, verdicts[-1])
