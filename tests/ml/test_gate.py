"""The gate decides by evidence and policy alone, and says why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ml.errors import ConfigError
from ml.evaluation.intervals import Estimate
from ml.gate import Evidence, decide, load_policy

POLICY = load_policy()
SCORES = ("all NDCG@10", "all Recall@20", "explore Recall@100")


def estimate(mean: float, half: float = 0.002) -> Estimate:
    p_value = 0.0005 if mean - half > 0 else 0.4
    return Estimate(mean, mean - half, mean + half, 2000, p_value)


@pytest.fixture
def winning() -> Evidence:
    """A challenger that is better than the champion and than both rules, on everything."""
    others = ("champion", "decayed own frequency", "popularity")
    means = {"reach": 0.43, "decayed own frequency": 0.418, "popularity": 0.18, "champion": 0.42}
    return Evidence(
        customers=2000,
        opponent="champion",
        against={other: {score: estimate(0.01) for score in SCORES} for other in others},
        means={method: dict.fromkeys(SCORES, mean) for method, mean in means.items()},
        coverage={"explore coverage@10": 900},
    )


def change(evidence: Evidence, other: str, score: str, value: Estimate) -> Evidence:
    return replace(evidence, against={**evidence.against, other: {**evidence.against[other], score: value}})


def test_a_challenger_that_wins_everywhere_is_published(winning: Evidence):
    decision = decide("reach", winning, POLICY)
    assert decision.publish
    assert decision.reasons[0].startswith("Better than champion on all NDCG@10: +0.0100")


@pytest.mark.parametrize(
    ("worsen", "reason"),
    [
        (
            lambda e: change(e, "champion", "all NDCG@10", estimate(0.001)),
            "Not shown to be better than champion on all NDCG@10",
        ),
        (
            lambda e: change(e, "decayed own frequency", "all NDCG@10", estimate(-0.01)),
            "Not shown to be better than decayed own frequency on all NDCG@10",
        ),
        (
            lambda e: change(e, "popularity", "explore Recall@100", estimate(0.0)),
            "Not shown to be better than popularity on explore Recall@100",
        ),
        (
            lambda e: change(e, "champion", "explore Recall@100", estimate(-0.004)),
            "May be worse than champion on explore Recall@100 by more than 0.003",
        ),
        (lambda e: replace(e, coverage={"explore coverage@10": 12}), "It shows 12 different products"),
        (
            lambda e: replace(e, means={**e.means, "reach": dict.fromkeys(SCORES, 0.9)}),
            "Too good to be true: all NDCG@10 of 0.9000 is more than 1.5 times the 0.4200 of the best other method",
        ),
    ],
)
def test_one_failed_question_keeps_the_champion_and_is_named_first(
    winning: Evidence, worsen: Callable[[Evidence], Evidence], reason: str
):
    decision = decide("reach", worsen(winning), POLICY)
    assert not decision.publish
    assert decision.reasons[0].startswith(reason)


def test_too_few_customers_are_no_evidence_however_good_they_look(winning: Evidence):
    decision = decide("reach", replace(winning, customers=POLICY.min_customers - 1), POLICY)
    assert not decision.publish
    assert decision.reasons[0].startswith("Not enough evidence: 149 customers")


def test_no_reason_is_given_twice(winning: Evidence):
    first_run = replace(winning, opponent="decayed own frequency")
    reasons = decide("reach", first_run, POLICY).reasons
    assert len(set(reasons)) == len(reasons)


def test_a_misspelt_policy_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "gate.toml"
    path.write_text('primry = "all NDCG@10"')
    with pytest.raises(ConfigError, match=r"gate\.toml cannot be used(.|\n)*primry"):
        load_policy(path)
