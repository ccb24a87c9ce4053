"""Turn a customer's variants into what is served: which bundle, which request, or no list at all."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from core.clock import utc_now
from events.records import Exposure
from online_experiments.assignment import Assigned, Assignments
from scoring.bundle import PROBE_CUSTOMER, Bundle
from scoring.request import RecommendationRequest
from serving.api.validation import MAX_ECHO_CHARS
from serving.errors import UnknownVariantError


@dataclass(frozen=True)
class Treatment:
    """The list that a customer is served.

    Attributes:
        bundle: The bundle that answers.
        request: The request with the parameters of the customer's variants.
        exposures: The experiments that the answer belongs to.
        recommends: Whether there is a list; without one, the answer is empty.
    """

    bundle: Bundle
    request: RecommendationRequest
    exposures: tuple[Exposure, ...] = ()
    recommends: bool = True


class Treatments:
    """Treat each request by the experiments that run.

    Args:
        current: Returns the announced experiments.
        open_bundle: Returns a version's bundle if it is in memory, else None.
        clock: Returns the instant, naive UTC.
    """

    def __init__(
        self,
        current: Callable[[], Assignments],
        open_bundle: Callable[[str], Bundle | None],
        clock: Callable[[], datetime] = utc_now,
    ):
        self._current = current
        self._open_bundle = open_bundle
        self._clock = clock

    def treat(
        self, champion: Bundle, request: RecommendationRequest, given: Collection[str], overrides: Mapping[str, str]
    ) -> Treatment:
        """Return what a customer is served.

        Args:
            champion: The bundle that serves outside experiments.
            request: The request; without a customer it is outside every experiment.
            given: The fields that the request has. An experiment on one of them does not cover the request, whatever
                the variant, so that all arms have the same kind of answers.
            overrides: A tester's choice of variants, by experiment.

        Raises:
            UnknownVariantError: An override names no announced experiment, or a variant that it lacks.
        """
        assignments, now = self._current(), self._clock()
        if overrides:
            _check(overrides, assignments, now)
        # Deployments are verified with a customer who does not exist, and expect the champion's list.
        if request.customer_id is None or request.customer_id == PROBE_CUSTOMER:
            return Treatment(champion, request)
        assigned = [
            one
            for one in assignments.of(request.customer_id, request.slate, now, overrides)
            if one.announcement.experiment.changes.isdisjoint(given)
        ]
        if not assigned:
            return Treatment(champion, request)
        # Without a list, no other experiment can make a difference, so the answer belongs to this one only.
        if holdout := next((one for one in assigned if one.variant.serve == "nothing"), None):
            return Treatment(champion, request, (_exposure(holdout),), recommends=False)
        return self._served(champion, request, assigned)

    def _served(self, champion: Bundle, request: RecommendationRequest, assigned: Sequence[Assigned]) -> Treatment:
        bundle, exposures = champion, []
        for one in assigned:
            served = True
            if one.variant.version is not None:
                found = self._open_bundle(one.variant.version)
                bundle, served = found or champion, found is not None
            if one.variant.serve == "baseline":
                request = replace(request, baseline=True)
            rules, variant = request.rules, one.variant
            if variant.diversity is not None:
                rules = replace(rules, diversity=variant.diversity)
            if variant.max_per_category is not None:
                rules = replace(rules, max_per_category=variant.max_per_category)
            request = replace(request, rules=rules)
            exposures.append(_exposure(one, "variant" if served else "champion"))
        return Treatment(bundle, request, tuple(exposures))


def _exposure(one: Assigned, served: Literal["variant", "champion"] = "variant") -> Exposure:
    return Exposure(
        experiment_id=one.announcement.id,
        variant=one.variant.name,
        propensity=one.propensity,
        is_holdout=one.variant.serve == "nothing",
        is_override=one.is_override,
        served=served,
    )


def _check(overrides: Mapping[str, str], assignments: Assignments, now: datetime) -> None:
    known = {name: one for name, one in assignments.by_id.items() if not one.is_over(now)}
    problems: list[str] = []
    layers: dict[str, str] = {}
    for name, variant in overrides.items():
        if name not in known:
            problems.append(
                f"No experiment '{name[:MAX_ECHO_CHARS]}' is announced. Allowed: {', '.join(sorted(known)) or 'none'}."
            )
            continue
        experiment = known[name].experiment
        if variant not in experiment.shares:
            problems.append(
                f"'{variant[:MAX_ECHO_CHARS]}' is not a variant of '{name}'. Allowed: {', '.join(experiment.shares)}."
            )
        if (other := layers.setdefault(experiment.layer, name)) != name:
            problems.append(f"'{other}' and '{name}' are of one layer, in which a customer has one experiment.")
    if problems:
        raise UnknownVariantError(f"variants: {' '.join(problems)}")
