"""What the gate lets through, and the sentence for what it does not."""

import pytest

from ml.customers.config import load_config
from ml.customers.evaluation import Scores
from ml.customers.gate import Evidence, decide
from ml.evaluation.bootstrap import Estimate

POLICY = load_config().gate


def lead(mean: float, half: float, p_value: float) -> Estimate:
    return Estimate(mean, mean - half, mean + half, 2000, p_value)


def evidence(**changes: object) -> Evidence:
    fields: dict[str, object] = {
        "customers": 2000,
        "churned": 120,
        "challenger": Scores(0.86, 0.17, 0.01, 0.06),
        "log_loss_leads": {"BG/NBD": lead(0.01, 0.005, 0.001)},
        "auc_leads": {"BG/NBD": lead(0.02, 0.01, 0.001)},
    }
    return Evidence(**(fields | changes))


def test_a_better_and_calibrated_model_is_let_through() -> None:
    decision = decide(evidence(), POLICY)

    assert decision.publish
    assert decision.reasons[0].startswith("Log loss is lower than that of BG/NBD: by +0.0100 [+0.0050, +0.0150]")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"customers": 100}, "Not enough evidence: 100 customers"),
        ({"churned": 10}, "of whom 10 churned"),
        ({"log_loss_leads": {"BG/NBD": lead(0.005, 0.006, 0.05)}}, "Log loss is not shown to be lower"),
        ({"auc_leads": {"BG/NBD": lead(-0.01, 0.01, 0.9)}}, "AUC may be worse than that of BG/NBD"),
        ({"challenger": Scores(0.86, 0.17, 0.05, 0.1)}, "Probabilities are not calibrated: off by 0.050"),
        (
            {"log_loss_leads": {"BG/NBD": lead(0.01, 0.005, 0.001), "v1": lead(0.0, 0.001, 0.5)}},
            "Log loss is not shown to be lower than that of v1",
        ),
    ],
    ids=["few customers", "few churned", "no lead", "worse order", "not calibrated", "not better than the champion"],
)
def test_the_champion_stays_otherwise_and_the_first_reason_is_why(changes: dict[str, object], sentence: str) -> None:
    decision = decide(evidence(**changes), POLICY)

    assert not decision.publish
    assert sentence in decision.reasons[0]
