"""Certify a scheme: it must be stable, persist, and differ in later behaviour before it is published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ml.customers.part import Measure
from ml.customers.segments.agreement import eta_squared, interval, jaccard_of_each, kappa
from ml.customers.segments.clusters import MAX_FITTED
from ml.customers.segments.customers import Customers, align, positions
from ml.customers.segments.history import Assignments
from ml.customers.segments.scheme import UNASSIGNED, Scheme

REFITS = 20
RESAMPLES = 300
"""Resamples of customers behind each interval of the newest closed window; a validation window has no intervals."""
VALID = timedelta(weeks=13)
"""How long a certificate holds after the day of the newest data."""

MEAN_JACCARD, WORST_JACCARD, MIN_KAPPA, MIN_SHARE = 0.75, 0.60, 0.50, 0.05
SPEND_EXPLAINED, MIX_EXPLAINED = 0.40, 0.04

VALUE, TASTE = "value", "taste"

Fit = Callable[[Customers, float, int], Scheme]
"""Fits a scheme on customers with a margin and a seed."""


@dataclass(frozen=True)
class Outcomes:
    """Later behaviour of customers.

    Attributes:
        ids: customer ids, `[n]`, sorted.
        spend: money spent in the eight weeks before now, float `[n]`.
        mix: shares of departments in the spend of the 26 weeks before now, float `[n, departments]`, NaN without any.
        recent_mix: shares of departments in the baskets of the eight weeks before now, in the same form.
    """

    ids: np.ndarray
    spend: np.ndarray
    mix: np.ndarray
    recent_mix: np.ndarray

    def of(self, ids: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the ids that have a value, and the values, `[m, dimensions]`."""
        rows, known = positions(self.ids, ids)
        values = values.reshape(len(self.ids), -1)[rows]
        known &= ~np.isnan(values).any(axis=1)
        return np.flatnonzero(known), values[known]


@dataclass(frozen=True)
class Path:
    """One scheme's assignments half a year ago, eight weeks ago and now, all by the same fit."""

    half_year_ago: tuple[np.ndarray, np.ndarray]
    eight_weeks_ago: tuple[np.ndarray, np.ndarray]
    now: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, name: str, half_year_ago: Assignments, eight_weeks_ago: Assignments, now: Assignments) -> "Path":
        """Return the path of one scheme as pairs of ids and segments, without the unassigned."""
        return cls(*(_assigned(assignments, name) for assignments in (half_year_ago, eight_weeks_ago, now)))

    def both(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the segments then and now of the customers who had one both times."""
        ids, first = self.half_year_ago
        second = align(*self.now, ids, UNASSIGNED)
        known = second != UNASSIGNED
        return first[known], second[known]


@dataclass(frozen=True)
class Certificate:
    """The figures of one scheme.

    Attributes:
        axis: value or taste.
        figures: measures by name: jaccard, jaccard_worst, kappa, smallest_share, spend_eta2, mix_eta2,
            and recent_mix_eta2 of eight weeks, which has no bar.
        customers: how many had a segment both half a year ago and now.
        expires: the day from which the certificate no longer holds.
    """

    axis: str
    figures: Mapping[str, Measure]
    customers: int
    expires: date

    @property
    def is_stable(self) -> bool:
        """Return whether refits on resamples agree."""
        return self.figures["jaccard"].is_met and self.figures["jaccard_worst"].is_met

    @property
    def failures(self) -> list[str]:
        """Return each bar that is missed as a phrase, such as `kappa 0.230 < 0.50`."""
        return [
            f"{name} {figure.value:.3f} < {figure.bar:.2f}"
            for name, figure in self.figures.items()
            if figure.bar is not None and not figure.is_met
        ]


def certify(
    axis: str, path: Path, stability: np.ndarray, outcomes: Outcomes, today: date, resamples: int, seed: int
) -> Certificate:
    """Measure a scheme and compare it with its bars.

    Args:
        axis: decides which later behaviour must differ: spend for value, the mix of departments for taste.
        path: the assignments.
        stability: Jaccard of each segment in each refit, float `[refits, segments]`.
        outcomes: what the customers did later.
        today: the day of the newest data.
        resamples: how many are drawn for the intervals.
        seed: decides which.
    """
    first, second = path.both()
    shares = np.bincount(path.now[1], minlength=stability.shape[1]) / max(len(path.now[1]), 1)
    per_segment = stability.mean(axis=0)
    figures = {
        "jaccard": Measure(float(per_segment.mean()), bar=MEAN_JACCARD),
        "jaccard_worst": Measure(float(per_segment.min()), bar=WORST_JACCARD),
        "kappa": _measure(lambda drawn: kappa(first[drawn], second[drawn]), len(first), resamples, seed, MIN_KAPPA),
        "smallest_share": Measure(float(shares.min()), bar=MIN_SHARE),
        "spend_eta2": _explained(
            path.eight_weeks_ago, outcomes, outcomes.spend, resamples, seed, SPEND_EXPLAINED if axis == VALUE else None
        ),
        "mix_eta2": _explained(
            path.half_year_ago, outcomes, outcomes.mix, resamples, seed, MIX_EXPLAINED if axis == TASTE else None
        ),
        "recent_mix_eta2": _explained(path.eight_weeks_ago, outcomes, outcomes.recent_mix, resamples, seed, None),
    }
    return Certificate(axis, figures, len(first), today + VALID)


def refit_stability(fit: Fit, customers: Customers, seed: int) -> np.ndarray:
    """Return the Jaccard overlap of each segment with its best match in each bootstrap refit.

    Args:
        fit: fits the scheme.
        customers: the customers that the scheme was fitted on.
        seed: decides the resamples.

    Returns:
        Float `[refits, segments]`.
    """
    rng = np.random.default_rng(seed)
    if len(customers.ids) > MAX_FITTED:
        customers = customers.take(np.sort(rng.choice(len(customers.ids), MAX_FITTED, replace=False)))
    scheme = fit(customers, 0.0, seed)
    segments = scheme.assign(customers)
    known = segments != UNASSIGNED
    overlaps = []
    for refit in range(REFITS):
        drawn = rng.integers(0, len(customers.ids), len(customers.ids))
        other = fit(customers.take(drawn), 0.0, seed + refit + 1).assign(customers)
        overlaps.append(jaccard_of_each(segments[known], other[known], len(scheme.segments)))
    return np.array(overlaps)


def _assigned(assignments: Assignments, name: str) -> tuple[np.ndarray, np.ndarray]:
    segments = assignments.segments[name]
    known = segments != UNASSIGNED
    return assignments.customers.ids[known], segments[known]


def _explained(
    assigned: tuple[np.ndarray, np.ndarray],
    outcomes: Outcomes,
    values: np.ndarray,
    resamples: int,
    seed: int,
    bar: float | None,
) -> Measure:
    rows, later = outcomes.of(assigned[0], values)
    groups = assigned[1][rows]
    return _measure(lambda drawn: eta_squared(groups[drawn], later[drawn]), len(rows), resamples, seed, bar)


def _measure(
    statistic: Callable[[np.ndarray], float], customers: int, resamples: int, seed: int, bar: float | None
) -> Measure:
    value = statistic(np.arange(customers)) if customers else float("nan")
    low, high = (None if np.isnan(value) else interval(statistic, customers, resamples, seed)) or (None, None)
    return Measure(value, low, high, bar)
