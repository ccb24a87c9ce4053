"""The decision whether a challenger may be deployed: a pure function of evidence and policy, with reasons."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from experiments.bootstrap import Estimate, holm
from ml.gate.evidence import Evidence
from ml.gate.policy import Policy


@dataclass(frozen=True)
class GateDecision:
    """Whether to publish, and the reasons with the deciding ones first."""

    publish: bool
    reasons: tuple[str, ...]


Answer = tuple[bool, str]
"""Whether a check was passed, and the sentence that explains it."""


def decide(challenger: str, evidence: Evidence, policy: Policy) -> GateDecision:
    """Publish a challenger only if it wins the primary score, is not worse elsewhere, and is plausible."""
    if evidence.customers < policy.min_customers:
        return GateDecision(
            False,
            (
                f"Not enough evidence: {evidence.customers} customers could be evaluated, the policy requires "
                f"{policy.min_customers}. The champion stays.",
            ),
        )
    against: list[str] = []
    favour: list[str] = []
    for passed, sentence in (
        *_no_leakage(evidence),
        *_superiority(evidence, policy),
        *_non_inferiority(evidence, policy),
        *_no_slice_regression(evidence, policy),
        _coverage(evidence, policy),
        *_calibration(evidence, policy),
        *_serving_limits(evidence, policy),
        _plausibility(challenger, evidence, policy),
    ):
        target = favour if passed else against
        if sentence not in target:
            target.append(sentence)
    return GateDecision(not against, tuple(against + favour))


def _no_leakage(evidence: Evidence) -> Iterator[Answer]:
    return ((False, f"Leak: {sentence}") for sentence in evidence.leaks)


def _superiority(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    """Test the primary score against the opponent, and against the baselines that must be beaten.

    A decision that requires every test to pass errs no more often than a single test (Berger 1982), so publishing
    itself needs no correction. Each test is also quoted as a claim. Holm's correction bounds the chance that any
    "better" in this family is wrong by 1 - confidence, and it costs nothing where the other tests are clear. Margins
    and bounds do not claim superiority and stay outside this family. Slices form a separate family, because each can
    stop a challenger.
    """
    family = list(dict.fromkeys([(evidence.opponent, policy.primary), *policy.must_beat.items()]))
    adjusted = holm([evidence.against[other][score].p_value for other, score in family])
    for (other, score), p_value in zip(family, adjusted, strict=True):
        won = p_value < 1 - policy.confidence
        estimate = evidence.against[other][score]
        if not estimate.customers:
            yield _nobody_to_evaluate(score)
            continue
        yield (
            won,
            f"{'Better' if won else 'Not shown to be better'} than {other} on {score}: {_with_interval(estimate)}.",
        )


def _non_inferiority(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    """Test margins as shares of the opponent's score, so one policy fits shops whose scores differ tenfold."""
    for score, share in policy.non_inferiority_margins.items():
        estimate = evidence.against[evidence.opponent][score]
        if not estimate.customers:
            yield _nobody_to_evaluate(score)
            continue
        margin = share * evidence.means[evidence.opponent][score]
        passed = estimate.low > -margin
        words = (
            f"Not worse than {evidence.opponent} on {score}"
            if passed
            else f"May be worse than {evidence.opponent} on {score} by more than {margin:.4f}, {share:.0%} of its score"
        )
        yield passed, f"{words}: {_with_interval(estimate)}."


def _no_slice_regression(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    """Test that no slice is below a baseline by more than chance; Holm covers all slices, scores and baselines."""
    tests = [
        (found, other)
        for found in evidence.slices
        for other in policy.slices.baselines
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
        yield True, "No group of customers is large enough to be compared by itself."
    elif not lost:
        count = len({(found.slice, found.value) for found, _ in tests})
        yield (
            True,
            f"In none of {count} slices worse than {' or '.join(policy.slices.baselines)} by more than chance.",
        )


def _coverage(evidence: Evidence, policy: Policy) -> Answer:
    shown, least = evidence.coverage[policy.coverage.score], policy.coverage.minimum
    return shown >= least, (
        f"It shows {shown:,} different products in the first ten of {policy.coverage.score.split()[0]} "
        f"(at least {least:,} are required)."
    )


def _calibration(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    for slate, most in policy.max_calibration_error.items():
        error = evidence.calibration[slate]
        if np.isnan(error):
            yield False, f"Purchase probabilities of {slate} cannot be checked: nothing was listed."
            continue
        yield (
            error <= most,
            (f"Purchase probabilities of {slate} are off by {error:.4f} on average (at most {most:g} is allowed)."),
        )


def _serving_limits(evidence: Evidence, policy: Policy) -> Iterator[Answer]:
    facts, bound = evidence.serving, policy.serving
    yield (
        facts.list_agreement >= bound.min_list_agreement,
        (
            f"Single requests agree with the evaluated lists in {facts.list_agreement:.1%} of the first ten ranks "
            f"(at least {bound.min_list_agreement:.1%} is required)."
        ),
    )
    if facts.feature_agreement is not None:
        yield (
            facts.feature_agreement >= bound.min_feature_agreement,
            (
                f"Online features equal those of the point-in-time join for {facts.feature_agreement:.1%} of the "
                f"sampled customers (at least {bound.min_feature_agreement:.1%} is required)."
            ),
        )
    # The limit follows the champion's time, because a slow machine slows both models.
    most = max(bound.max_median_cpu_ms, bound.max_cpu_ratio * (facts.champion_median_cpu_ms or 0.0))
    yield (
        facts.median_cpu_ms <= most,
        (f"A single request takes {facts.median_cpu_ms:.0f} ms of processor time (at most {most:.0f} ms is allowed)."),
    )
    yield (
        facts.model_mb <= bound.max_model_mb,
        (f"The model's files are {facts.model_mb:.1f} MB (at most {bound.max_model_mb:g} MB is allowed)."),
    )


def _plausibility(challenger: str, evidence: Evidence, policy: Policy) -> Answer:
    reached = evidence.means[challenger][policy.primary]
    strongest = max(means[policy.primary] for method, means in evidence.means.items() if method != challenger)
    passed = reached <= policy.plausibility_ceiling * strongest
    if passed:
        return True, f"{policy.primary} of {reached:.4f} is plausible."
    return False, (
        f"Too good to be true: {policy.primary} of {reached:.4f} is more than "
        f"{policy.plausibility_ceiling:g} times the "
        f"{strongest:.4f} of the best other method. Look for purchases of the evaluation window in the features."
    )


def _nobody_to_evaluate(score: str) -> Answer:
    """Return a failed check, because without evaluated customers a challenger is not shown to be better."""
    return False, f"{score} cannot be evaluated: no customer bought a product that it counts."


def _with_interval(estimate: Estimate) -> str:
    return (
        f"{estimate.mean:+.4f}, 95% interval {estimate.low:+.4f} to {estimate.high:+.4f}, "
        f"{estimate.customers:,} customers"
    )
