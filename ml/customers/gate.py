"""The gate of the customer model: may the challenger be registered? A pure function of evidence and policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ml.customers.config import GatePolicy
from ml.customers.evaluation import Scores
from ml.evaluation.bootstrap import Estimate


@dataclass(frozen=True)
class Evidence:
    """What an evaluation found.

    Attributes:
        customers: active customers in the evaluation window.
        churned: how many of them bought nothing in it.
        challenger: the model's scores.
        log_loss_leads: by opponent, how much lower the model's log loss is.
        auc_leads: by opponent, how much higher the model's AUC is.
    """

    customers: int
    churned: int
    challenger: Scores
    log_loss_leads: Mapping[str, Estimate]
    auc_leads: Mapping[str, Estimate]


@dataclass(frozen=True)
class ChurnDecision:
    """`publish` and why, the deciding reasons first."""

    publish: bool
    reasons: tuple[str, ...]


def decide(evidence: Evidence, policy: GatePolicy) -> ChurnDecision:
    """Let a challenger through that has a lower log loss than every opponent, ranks no worse and is calibrated."""
    if evidence.customers < policy.min_customers or evidence.churned < policy.min_churned:
        return ChurnDecision(
            False,
            (
                f"Not enough evidence: {evidence.customers} customers, of whom {evidence.churned} churned; the policy "
                f"asks for {policy.min_customers} and {policy.min_churned}. The champion stays.",
            ),
        )
    answers = list(_questions(evidence, policy))
    against = tuple(sentence for passed, sentence in answers if not passed)
    return ChurnDecision(not against, against + tuple(sentence for passed, sentence in answers if passed))


def _questions(evidence: Evidence, policy: GatePolicy) -> Iterator[tuple[bool, str]]:
    for name, lead in evidence.log_loss_leads.items():
        passed = lead.p_value <= 1 - policy.confidence
        verdict = "is lower than that of" if passed else "is not shown to be lower than that of"
        yield passed, f"Log loss {verdict} {name}: by {_interval(lead, 4)}, p {lead.p_value:.4f}."
    for name, lead in evidence.auc_leads.items():
        passed = lead.low > -policy.auc_margin
        verdict = "is not worse than that of" if passed else "may be worse than that of"
        yield passed, f"AUC {verdict} {name}: lead {_interval(lead, 3)}, margin {policy.auc_margin}."
    error = evidence.challenger.calibration_error
    passed = error <= policy.max_calibration_error
    verdict = "are" if passed else "are not"
    yield (
        passed,
        f"Probabilities {verdict} calibrated: off by {error:.3f} on average, limit {policy.max_calibration_error}.",
    )


def _interval(lead: Estimate, digits: int) -> str:
    return f"{lead.mean:+.{digits}f} [{lead.low:+.{digits}f}, {lead.high:+.{digits}f}]"
