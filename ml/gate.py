"""The gate: may the challenger serve? A pure function of evidence and policy; reasons are sentences."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ml.errors import ConfigError
from ml.evaluation.intervals import Estimate

POLICY = Path(__file__).with_name("gate.toml")


class Coverage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    slate: str
    least: int


class Policy(BaseModel):
    """What a challenger must show; see the comments in `gate.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    primary: str
    confidence: float
    min_customers: int
    leak_ceiling: float
    non_inferior: dict[str, float]
    beat: dict[str, str]
    coverage: Coverage


@dataclass(frozen=True)
class Evidence:
    """What an evaluation found about a challenger.

    opponent: whom it has to beat: the deployed version, or the strongest simple rule if none is deployed.
    against: paired differences challenger - other, by other and score, on the same customers.
    means: the challenger's and the rules' means, by method and score.
    coverage: different products the challenger shows in the first ten, by slate.
    """

    customers: int
    opponent: str
    against: Mapping[str, Mapping[str, Estimate]]
    means: Mapping[str, Mapping[str, float]]
    coverage: Mapping[str, int]


@dataclass(frozen=True)
class GateDecision:
    """`publish` and why, the deciding reasons first."""

    publish: bool
    reasons: tuple[str, ...]


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
        _superior(evidence.opponent, policy.primary, evidence, policy),
        *(_superior(rule, score, evidence, policy) for rule, score in policy.beat.items()),
        *(_not_inferior(score, margin, evidence) for score, margin in policy.non_inferior.items()),
        _broad(evidence, policy),
        _believable(challenger, evidence, policy),
    ):
        target = favour if passed else against
        if sentence not in target:
            target.append(sentence)
    return GateDecision(not against, tuple(against + favour))


def _superior(other: str, score: str, evidence: Evidence, policy: Policy) -> tuple[bool, str]:
    estimate = evidence.against[other][score]
    won = estimate.p_value < 1 - policy.confidence
    return won, f"{'Better' if won else 'Not shown to be better'} than {other} on {score}: {_said(estimate)}."


def _not_inferior(score: str, margin: float, evidence: Evidence) -> tuple[bool, str]:
    estimate = evidence.against[evidence.opponent][score]
    passed = estimate.low > -margin
    words = (
        f"Not worse than {evidence.opponent} on {score}"
        if passed
        else (f"May be worse than {evidence.opponent} on {score} by more than {margin:g}")
    )
    return passed, f"{words}: {_said(estimate)}."


def _broad(evidence: Evidence, policy: Policy) -> tuple[bool, str]:
    shown, least = evidence.coverage[policy.coverage.slate], policy.coverage.least
    return shown >= least, (
        f"It shows {shown:,} different products in the first ten of {policy.coverage.slate.split()[0]} "
        f"(at least {least:,} are asked for)."
    )


def _believable(challenger: str, evidence: Evidence, policy: Policy) -> tuple[bool, str]:
    reached = evidence.means[challenger][policy.primary]
    strongest = max(means[policy.primary] for method, means in evidence.means.items() if method != challenger)
    passed = reached <= policy.leak_ceiling * strongest
    if passed:
        return True, f"{policy.primary} of {reached:.4f} is within what can be believed."
    return False, (
        f"Too good to be true: {policy.primary} of {reached:.4f} is more than {policy.leak_ceiling:g} times the "
        f"{strongest:.4f} of the best other method. Look for purchases of the judged window in the features."
    )


def _said(estimate: Estimate) -> str:
    return (
        f"{estimate.mean:+.4f}, 95% interval {estimate.low:+.4f} to {estimate.high:+.4f}, "
        f"{estimate.customers:,} customers"
    )
