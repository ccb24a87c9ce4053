"""Measure one experiment: each variant against the control, at every day that data covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np

from experiments.errors import ExperimentError
from experiments.identification import Identification, identify
from experiments.measurement.arms import Arms
from experiments.measurement.purchases import (
    Purchases,
    admitted_purchases,
    local_day,
    open_engine,
    outcomes_at,
    spend_before,
)
from experiments.measurement.seen import Seen, verdict_of
from experiments.pre_period import PRE_WEEKS, covariates
from experiments.sequential import ALPHA, Looks, announced_looks
from experiments.verdict import Verdict
from online_experiments.analysis.advice import Advice, Advised, advise
from online_experiments.analysis.exposed import Exposed, feedback_until, read_exposed
from online_experiments.announcement import Announcement
from online_experiments.definition.experiment import METRICS
from settings import Settings


@dataclass(frozen=True)
class VariantResult:
    """A variant against the control.

    Attributes:
        verdicts: By metric, the primary one first.
        advised: The advice.
    """

    verdicts: Mapping[str, Verdict]
    advised: Advised


@dataclass(frozen=True)
class Result:
    """The result of an experiment at the newest look that data covers.

    Attributes:
        announcement: The experiment.
        exposed: Its exposures.
        counts: Exposed customers by variant.
        days: Days of all looks; a look counts what happened before its day.
        looks_done: How many of them the data covers.
        known_until: The day until which data is known.
        identification: The checks; empty before the first look.
        variants: By variant, without the control; empty before the first look.
    """

    announcement: Announcement
    exposed: Exposed
    counts: Mapping[str, int]
    days: tuple[date, ...]
    looks_done: int
    known_until: date
    identification: Identification
    variants: Mapping[str, VariantResult]

    @property
    def sentences(self) -> dict[str, str]:
        """Return the advice about each variant as a sentence."""
        if not self.looks_done:
            waiting = f"Wait: data is known until {self.known_until}, and the first look is on {self.days[0]}."
            control = self.announcement.experiment.control
            return {name: waiting for name in self.announcement.experiment.shares if name != control}
        return {name: found.advised.sentence for name, found in self.variants.items()}

    @property
    def harm(self) -> str | None:
        """Return the sentence about the first variant that harms; None if none does."""
        found = (one.advised.sentence for one in self.variants.values() if one.advised.advice is Advice.STOP)
        return next(found, None)


def analyse(settings: Settings, announcement: Announcement) -> Result:
    """Measure an experiment by intention to treat: exposed customers count in the variant they were assigned to.

    The primary metric has the whole alpha, the guardrails share another, and so do the other metrics. Several variants
    share each. Metrics of purchases need receipts; an experiment on clicks is measured without.

    Raises:
        OnlineExperimentError: The warehouse cannot be read, or has no exposure of the experiment.
        ExperimentError: The purchases are needed and cannot be read.
    """
    measured, exposed = announcement.experiment.measure, read_exposed(settings, announcement)
    feedback = local_day(settings, feedback_until(settings))
    needs_purchases = {measured.primary, *measured.guardrails} != {"clicks"}
    purchases = _purchases(settings, needs_purchases)
    known = feedback if purchases is None or not needs_purchases else min(feedback, purchases.as_of)
    days = _days(settings, announcement)
    last = min(known, local_day(settings, announcement.until))
    done = sum(day <= last for day in days)
    names, counts = np.unique(exposed.arms.variant, return_counts=True)
    counted = dict.fromkeys(announcement.experiment.shares, 0) | dict(zip(names.tolist(), counts.tolist(), strict=True))
    if not done:
        return Result(announcement, exposed, counted, days, 0, known, Identification(()), {})
    with_purchases = purchases is not None and days[done - 1] <= purchases.as_of
    before, seen = _seen(settings, announcement, exposed, purchases, days[:done], with_purchases)
    metrics = METRICS if with_purchases else ("clicks",)
    in_arms = exposed.arms.decided_at < np.datetime64(settings.start_of_day(days[done - 1]), "us")
    identification = _identification(exposed.arms.rows(in_arms), covariates(before[in_arms]))
    treated = [name for name in announcement.experiment.shares if name != announcement.experiment.control]
    variants = {name: _variant(announcement, name, seen, metrics, identification, len(treated)) for name in treated}
    return Result(announcement, exposed, counted, days, done, known, identification, variants)


def _purchases(settings: Settings, are_needed: bool) -> Purchases | None:
    try:
        return admitted_purchases(settings)
    except ExperimentError:
        if are_needed:
            raise
        return None


def _days(settings: Settings, announcement: Announcement) -> tuple[date, ...]:
    """Return the days of the looks: one a day, the last at the planned end."""
    end, count = local_day(settings, announcement.ends_at), announcement.experiment.longest_days
    return tuple(end - timedelta(days=back) for back in range(count - 1, -1, -1))


def _seen(
    settings: Settings,
    announcement: Announcement,
    exposed: Exposed,
    purchases: Purchases | None,
    days: tuple[date, ...],
    with_purchases: bool,
) -> tuple[np.ndarray, list[Seen]]:
    """Return spend before the first exposure, `[customers, 16]`, and the data of each look."""
    arms, window = exposed.arms, announcement.experiment.measure.conversion_days
    with open_engine(settings) as engine:
        before = np.zeros((len(arms.customer_ids), PRE_WEEKS))
        if purchases is not None:
            before = spend_before(engine, purchases, arms.customer_ids, arms.decided_at)

        def outcomes(kept: Arms, look: datetime) -> dict[str, np.ndarray]:
            is_kept = np.isin(arms.customer_ids, kept.customer_ids)
            found = {"clicks": exposed.clicks(look)[is_kept]}
            if with_purchases and purchases is not None:
                found |= outcomes_at(engine, purchases, kept.customer_ids, kept.decided_at, look, window)
            return found

        instants = [settings.start_of_day(day) for day in days]
        seen = [Seen.at(number, arms, before, outcomes, at) for number, at in enumerate(instants, start=1)]
    return before, seen


def _identification(arms: Arms, before: np.ndarray) -> Identification:
    names, counts = np.unique(arms.variant, return_counts=True)
    counted = dict.fromkeys(arms.shares, 0) | dict(zip(names.tolist(), counts.tolist(), strict=True))
    found = identify(counted, arms.shares, arms.holdout, before, arms.variant)
    return Identification((*arms.checks, *found.checks))


def _variant(
    announcement: Announcement,
    name: str,
    seen: list[Seen],
    metrics: tuple[str, ...],
    identification: Identification,
    variants: int,
) -> VariantResult:
    measured, control = announcement.experiment.measure, announcement.experiment.control
    only = [found.only(name, control) for found in seen]
    groups: list[tuple[str, ...]] = [(measured.primary,), measured.guardrails]
    groups.append(tuple(one for one in metrics if one not in {measured.primary, *measured.guardrails}))
    verdicts: dict[str, Verdict] = {}
    for group in groups:
        for metric in group:
            bounds_of = partial(_looks, announcement, ALPHA / variants / len(group))
            verdicts[metric] = verdict_of(metric, only, control, bounds_of, len(seen), identification)
    looks = _looks(announcement, ALPHA / variants, ())
    advised = advise(verdicts, measured.primary, measured.guardrails, measured.smallest_effect, looks)
    return VariantResult(verdicts, advised)


def _looks(announcement: Announcement, alpha: float, correlations: tuple[float, ...]) -> Looks:
    days = announcement.experiment.longest_days
    return announced_looks(tuple((day + 1) / days for day in range(days)), alpha, correlations)
