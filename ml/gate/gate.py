"""The gate: may the challenger serve? A pure function of evidence and policy; reasons are sentences."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from ml.errors import ConfigError
from ml.evaluation.bootstrap import Estimate, holm
from ml.evaluation.serving_checks import ServingFacts
from ml.evaluation.slices import Slice

POLICY = Path(__file__).with_name("gate.toml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Coverage(_Section):
    slate: str
    least: int


class Slices(_Section):
    confidence: float
    scores: list[str]
    against: list[str]


class Serving(_Section):
    agreement: float
    features: float
    milliseconds: float
    times_champion: float
    megabytes: float


class Policy(_Section):
    """What a challenger must show; see the comments in `gate.toml`."""

    primary: str
    confidence: float
    min_customers: int
    leak_ceiling: float
    non_inferior: dict[str, float]
    beat: dict[str, str]
    slices: Slices
    coverage: Coverage
    calibration: dict[str, float]
    serving: Serving


@dataclass(frozen=True)
class Evidence:
    """What an evaluation found about a challenger.

    opponent: whom it has to beat: the deployed version, or the strongest simple rule if none is deployed.
    against: paired differences challenger - other, by other and score, on the same customers.
    means: the challenger's and the rules' means, by method and score.
    coverage: different products the challenger shows in the first ten, by slate.
    slices: groups of customers with their paired differences. calibration: expected error by slate.
    leaks: sentences about features or labels that know what they cannot know.
    """

    customers: int
    opponent: str
    against: Mapping[str, Mapping[str, Estimate]]
    means: Mapping[str, Mapping[str, float]]
    coverage: Mapping[str, int]
    slices: Sequence[Slice]
    calibration: Mapping[str, float]
    serving: ServingFacts
    leaks: Sequence[str]


@dataclass(frozen=True)
class GateDecision:
    """`publish` and why, the deciding reasons first."""

    publish: bool
    reasons: tuple[str, ...]


Answer = tuple[bool, str]
"""Whether a question was passed, and the sentence for people."""


def load_policy(path: Path = POLICY) -> Policy:
    """Read the policy; ConfigError names file and field."""
    try:
        return Policy.model_validate(tomllib.loads(path.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be used: {error}") from error


def decide(challenger: str, evidence: Evidence, policy: Policy) -> GateDecision:
    """Publish only what wins on the primary score, loses nowhere that matters and is not too good to be true."""
    if evidence.customers < policy.min_customers:
        return GateDecision(
            False,
            (
                f"Not enough evidence: {evidence.customers} customers could be judged, the policy asks for "
                f"{policy.min_customers}. The champion stays.",
            ),
        )
    against: list[str] = []
    favour: list[str] = []
    for passed, sentence in (
        *_sound(evidence),
        *_superior(evidence, policy),
        *_not_inferior(evidence, policy),
        *_fair(evidence, policy),
        _broad(evidence, policy),
        *_calibrated(evidence, policy),
        *_servable(evidence, policy),
        _believable(challenger, evidence, policy),
    ):
        target = favour if passed else against
        if sentence not in target:
            target.append(sentence)
    return GateDecision(not against, tuple(against + favour))


def _sound(evidence: Evidence) -> Iterator[Answer]:
    return ((False, f"Leak: {sentence}") for sentence in evidence.leaks)


def _superior(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    """The primary score against the opponent, and the rules to beat.

    All have to be won, and a decision that needs every test to win errs no more often than one of them (Berger 1982):
    publishing as such needs no correction. Each test is also a sentence that people quote, so Holm covers this family:
    "better" is wrong anywhere in it with at most 1 - confidence. It costs nothing where the other tests are clear.
    Margins and bounds are no claims of superiority and stay outside; slices, any of which can stop a challenger, are a
    family of their own.
    """
    family = list(dict.fromkeys([(evidence.opponent, policy.primary), *policy.beat.items()]))
    adjusted = holm([evidence.against[other][score].p_value for other, score in family])
    for (other, score), p_value in zip(family, adjusted, strict=True):
        won = p_value < 1 - policy.confidence
        estimate = evidence.against[other][score]
        if not estimate.customers:
            yield _nobody(score)
            continue
        yield won, f"{'Better' if won else 'Not shown to be better'} than {other} on {score}: {_said(estimate)}."


def _not_inferior(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    """Margins are shares of the opponent's score, so that one policy fits shops whose scores differ tenfold."""
    for score, share in policy.non_inferior.items():
        estimate = evidence.against[evidence.opponent][score]
        if not estimate.customers:
            yield _nobody(score)
            continue
        margin = share * evidence.means[evidence.opponent][score]
        passed = estimate.low > -margin
        words = (
            f"Not worse than {evidence.opponent} on {score}"
            if passed
            else f"May be worse than {evidence.opponent} on {score} by more than {margin:.4f}, {share:.0%} of its score"
        )
        yield passed, f"{words}: {_said(estimate)}."


def _fair(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    """No slice below a simple rule by more than chance: Holm over every slice, score and rule that is looked at."""
    tests = [
        (found, other)
        for found in evidence.slices
        for other in policy.slices.against
        if found.score in policy.slices.scores and other in found.against
    ]
    adjusted = holm([found.against[other].p_worse for found, other in tests])
    lost = [test for test, p_value in zip(tests, adjusted, strict=True) if p_value < 1 - policy.slices.confidence]
    for found, other in lost:
        there = found.against[other]
        yield (
            False,
            f"Worse than {other} on {found.score} where {found.slice} is {found.value}: {there.mean:+.4f}, 95% "
            f"interval {there.low:+.4f} to {there.high:+.4f}, {found.customers:,} customers.",
        )
    if not tests:
        yield True, "No group of customers is large enough to be looked at by itself."
    elif not lost:
        count = len({(found.slice, found.value) for found, _ in tests})
        yield (
            True,
            f"In none of {count} slices worse than {' or '.join(policy.slices.against)} by more than chance.",
        )


def _broad(evidence: Evidence, policy: Policy) -> Answer:
    shown, least = evidence.coverage[policy.coverage.slate], policy.coverage.least
    return shown >= least, (
        f"It shows {shown:,} different products in the first ten of {policy.coverage.slate.split()[0]} "
        f"(at least {least:,} are asked for)."
    )


def _calibrated(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    for slate, most in policy.calibration.items():
        error = evidence.calibration[slate]
        if np.isnan(error):
            yield False, f"Purchase probabilities of {slate} cannot be checked: nothing was listed."
            continue
        yield (
            error <= most,
            (f"Purchase probabilities of {slate} are off by {error:.4f} on average (at most {most:g} is allowed)."),
        )


def _servable(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    facts, bound = evidence.serving, policy.serving
    yield (
        facts.agreement >= bound.agreement,
        (
            f"Single requests agree with the judged lists in {facts.agreement:.1%} of the first ten places "
            f"(at least {bound.agreement:.1%} is asked for)."
        ),
    )
    if facts.features is not None:
        yield (
            facts.features >= bound.features,
            (
                f"Online features are those of the point-in-time join for {facts.features:.1%} of the customers asked "
                f"for (at least {bound.features:.1%} is asked for)."
            ),
        )
    # On a slow machine the champion is slow too.
    most = max(bound.milliseconds, bound.times_champion * (facts.champion_milliseconds or 0.0))
    yield (
        facts.milliseconds <= most,
        (f"A single request takes {facts.milliseconds:.0f} ms (at most {most:.0f} ms is allowed)."),
    )
    yield (
        facts.megabytes <= bound.megabytes,
        (f"The model's files are {facts.megabytes:.1f} MB (at most {bound.megabytes:g} MB is allowed)."),
    )


def _believable(challenger: str, evidence: Evidence, policy: Policy) -> Answer:
    reached = evidence.means[challenger][policy.primary]
    strongest = max(means[policy.primary] for method, means in evidence.means.items() if method != challenger)
    passed = reached <= policy.leak_ceiling * strongest
    if passed:
        return True, f"{policy.primary} of {reached:.4f} is within what can be believed."
    return False, (
        f"Too good to be true: {policy.primary} of {reached:.4f} is more than {policy.leak_ceiling:g} times the "
        f"{strongest:.4f} of the best other method. Look for purchases of the judged window in the features."
    )


def _nobody(score: str) -> Answer:
    """A challenger that nobody can be judged on is not shown to be better."""
    return False, f"Nobody can be judged on {score}: no customer bought anything that it looks for."


def _said(estimate: Estimate) -> str:
    return (
        f"{estimate.mean:+.4f}, 95% interval {estimate.low:+.4f} to {estimate.high:+.4f}, "
        f"{estimate.customers:,} customers"
    )
