"""Fit candidates half a year ago, follow their customers until now, and certify each."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from ml.customers.inputs import Inputs
from ml.customers.segments.certificate import TASTE, VALUE, Certificate, Fit, Outcomes, Path, certify, refit_stability
from ml.customers.segments.controls import RFM_CLUSTERS, RandomSplit, RfmClusters
from ml.customers.segments.customers import Customers, department_mix, read_customers, spend_between
from ml.customers.segments.history import Assignments, walk
from ml.customers.segments.scheme import Scheme
from ml.customers.segments.taste_clusters import TasteClusters, has_taste
from ml.customers.segments.value_tiers import ValueTiers
from ml.errors import NotEnoughDataError

HALF_YEAR, EIGHT_WEEKS, FOUR_WEEKS = 26, 8, 4
MIN_CUSTOMERS = 200
MARGINS = (0.0, 0.1, 0.2, 0.3)
"""Margins of hysteresis that are tried; beyond .3 a segment would be hard to leave."""
KEPT_ETA2 = 0.9
"""Share of the later difference between segments below which hysteresis must not push it."""
CLUSTERS = (4, 3)
"""Numbers of taste clusters, the more useful first."""


@dataclass(frozen=True)
class Candidate:
    """A scheme to fit.

    Attributes:
        name: how reports call it; candidates that differ only in their margin share it.
        axis: value or taste.
        margin: its hysteresis.
        fit: fits it on customers with a margin and a seed.
    """

    name: str
    axis: str
    margin: float
    fit: Fit


@dataclass(frozen=True)
class Evaluated:
    """A fitted candidate with its certificate, and how many customers each segment has now."""

    candidate: Candidate
    scheme: Scheme
    certificate: Certificate
    sizes: np.ndarray


def tiers(margin: float) -> Candidate:
    """Return the candidate of the value axis."""
    return Candidate("spend tiers", VALUE, margin, lambda customers, margin, _: ValueTiers.fit(customers, margin))


def clusters(count: int, margin: float) -> Candidate:
    """Return a candidate of the taste axis."""

    def fit(customers: Customers, margin: float, seed: int) -> Scheme:
        return TasteClusters.fit(customers, count, margin, seed)

    return Candidate(f"{count} taste clusters", TASTE, margin, fit)


RFM = Candidate(
    f"k-means on RFM, {RFM_CLUSTERS} clusters", VALUE, 0.0, lambda customers, _, seed: RfmClusters.fit(customers, seed)
)
RANDOM = Candidate("random split", VALUE, 0.0, lambda _customers, _margin, _seed: RandomSplit())


def evaluate(inputs: Inputs, candidates: Sequence[Candidate], resamples: int = 0) -> list[Evaluated]:
    """Fit each candidate half a year before `inputs.now` and certify it on what its customers did until now.

    Args:
        inputs: the feature tables; `inputs.now` ends the windows.
        candidates: what to fit. Those of the taste axis are left out where too few customers have a taste.
        resamples: how many are drawn for the intervals of a certificate.

    Raises:
        NotEnoughDataError: the tables hold too few customers, or no snapshot half a year ago.
    """
    start, eight_weeks_ago = inputs.snapshot(HALF_YEAR), inputs.snapshot(EIGHT_WEEKS)
    with inputs.connect() as connection:
        first = read_customers(connection, start)
        if len(first.ids) < MIN_CUSTOMERS:
            raise NotEnoughDataError(
                f"{len(first.ids)} customers bought before {start:%Y-%m-%d}; a certificate needs {MIN_CUSTOMERS}. "
                "No segment changes."
            )
        usable = [candidate for candidate in candidates if candidate.axis == VALUE or _has_enough_taste(first)]
        keys = [str(position) for position in range(len(usable))]
        schemes = {
            key: candidate.fit(first, candidate.margin, inputs.seed)
            for key, candidate in zip(keys, usable, strict=True)
        }
        kept: dict[object, Assignments] = {}
        instants = [instant for instant in inputs.instants if instant >= start]
        for assignments in walk(connection, instants, schemes, first.categories):
            if assignments.customers.snapshot in (start, eight_weeks_ago, inputs.now):
                kept[assignments.customers.snapshot] = assignments
        outcomes = _outcomes(connection, inputs, kept[inputs.now].customers.ids)
    stability: dict[str, np.ndarray] = {}
    evaluated = []
    for key, candidate in zip(keys, usable, strict=True):
        if candidate.name not in stability:
            stability[candidate.name] = refit_stability(candidate.fit, first, inputs.seed)
        path = Path.of(key, kept[start], kept[eight_weeks_ago], kept[inputs.now])
        certificate = certify(
            candidate.axis, path, stability[candidate.name], outcomes, inputs.now.date(), resamples, inputs.seed
        )
        sizes = np.bincount(path.now[1], minlength=len(schemes[key].segments))
        evaluated.append(Evaluated(candidate, schemes[key], certificate, sizes))
    return evaluated


def rank(evaluated: Sequence[Evaluated], axis: str) -> list[Candidate]:
    """Rank the candidates of one axis by a validation window, the preferred one first.

    Of each scheme the widest margin is taken that keeps the later difference between segments. A scheme that misses
    fewer bars comes first; between equals the order decides in which they were given.
    """
    later = {VALUE: "spend_eta2", TASTE: "recent_mix_eta2"}[axis]
    best: dict[str, Evaluated] = {}
    plain: dict[str, float] = {}
    for found in sorted(evaluated, key=lambda one: one.candidate.margin):
        name, explained = found.candidate.name, found.certificate.figures[later].value
        if found.candidate.axis == axis and explained >= KEPT_ETA2 * plain.setdefault(name, explained):
            best[name] = found
    given = list(dict.fromkeys(found.candidate.name for found in evaluated))
    preferred = sorted(best.values(), key=lambda one: (len(one.certificate.failures), given.index(one.candidate.name)))
    return [found.candidate for found in preferred]


def first_stable(evaluated: Sequence[Evaluated], axis: str) -> Evaluated | None:
    """Return the first candidate of an axis whose refits agree, otherwise the first one.

    Refits read what was known when the scheme was fitted, so nothing that came later decides.
    """
    of_axis = [found for found in evaluated if found.candidate.axis == axis]
    stable = (found for found in of_axis if found.certificate.is_stable)
    return next(stable, of_axis[0] if of_axis else None)


def _has_enough_taste(customers: Customers) -> bool:
    return int(has_taste(customers).sum()) >= MIN_CUSTOMERS


def _outcomes(connection: duckdb.DuckDBPyConnection, inputs: Inputs, ids: np.ndarray) -> Outcomes:
    ends = [inputs.snapshot(weeks) for weeks in range(0, EIGHT_WEEKS, FOUR_WEEKS)]
    return Outcomes(
        ids,
        spend_between(connection, ids, ends),
        department_mix(connection, ids, inputs.now, "spend_26w"),
        department_mix(connection, ids, inputs.now, "baskets_8w"),
    )
