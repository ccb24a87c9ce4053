"""Measure one campaign: its arms, the effect on each metric at the announced looks, and a sentence for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import numpy as np

from experiments.identification import Identification, identify
from experiments.measurement.arms import Arms
from experiments.measurement.metrics import METRICS
from experiments.measurement.seen import OutcomesAt, Seen, verdict_of
from experiments.pre_period import covariates
from experiments.sequential import ALPHA
from experiments.verdict import Verdict
from marketing.measurement.announcement import Announcement


@dataclass(frozen=True)
class CampaignResult:
    """The result of a campaign at the newest look that data covers.

    Attributes:
        announcement: The primary metric and the looks.
        counts: Assigned customers by variant.
        holdout: The variant without treatment; None if there is none.
        unassigned: Customers left out before arms were drawn; they take part in nothing.
        days: Days of the announced looks.
        looks_done: How many of them the data covers.
        identification: The checks; empty before the first look.
        verdicts: By metric, the primary one first; empty before the first look.
        by_variant: By treated variant, the verdict about the primary metric; empty unless there are several.
    """

    announcement: Announcement
    counts: Mapping[str, int]
    holdout: str | None
    unassigned: int
    days: tuple[date, ...]
    looks_done: int
    identification: Identification
    verdicts: Mapping[str, Verdict]
    by_variant: Mapping[str, Verdict]

    @property
    def treated(self) -> int:
        """Return the customers who were assigned to a treatment."""
        return sum(count for variant, count in self.counts.items() if variant != self.holdout)

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
            instants = [start_of_day(day) for day in days[:done]]
            seen = [Seen.at(look, arms, before, outcomes_at, at) for look, at in enumerate(instants, start=1)]
        primary, others = announcement.metric, [name for name in METRICS if name != announcement.metric]
        for metric in (primary, *others):
            bounds_of = partial(announcement.bounds, start, ALPHA if metric == primary else ALPHA / len(others))
            verdicts[metric] = verdict_of(metric, seen, arms.holdout, bounds_of, done, identification)
        variants = [name for name in counted if name != arms.holdout]
        for name in variants if len(variants) > 1 else []:
            only = [found.only(name, arms.holdout) for found in seen]
            bounds_of = partial(announcement.bounds, start, ALPHA / len(variants))
            by_variant[name] = verdict_of(primary, only, arms.holdout, bounds_of, done, identification)
    return CampaignResult(
        announcement, counted, arms.holdout, arms.unassigned, days, done, identification, verdicts, by_variant
    )


def _identification(arms: Arms, before: np.ndarray, counts: Mapping[str, int]) -> Identification:
    found = identify(counts, arms.shares, arms.holdout, covariates(before), arms.variant)
    return Identification((*arms.checks, *found.checks))
