import numpy as np
import pytest
from scipy.stats import chisquare

from experiments.errors import ExperimentError
from experiments.identification import arms_alike, enough, identify, sample_ratio

HALVES = {"offer": 0.5, "holdout": 0.5}


def arms(seed: int, customers: int = 2000, share: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    before = rng.gamma(1.0, 50.0, (customers, 3))
    return before, np.where(rng.random(customers) < share, "offer", "holdout")


def test_the_sample_ratio_is_the_chi_square_test() -> None:
    check = sample_ratio({"offer": 9_600, "holdout": 10_400}, HALVES)
    assert check.p_value == pytest.approx(chisquare([9_600, 10_400]).pvalue)
    assert not check.passed
    assert (
        "the sample ratio fails: the assignment is broken (offer 9,600, holdout 10,400; planned 0.5, 0.5"
        in check.sentence
    )
    assert sample_ratio({"offer": 9_950, "holdout": 10_050}, HALVES).passed


def test_three_arms_and_unequal_shares_are_tested_together() -> None:
    shares = {"a": 0.6, "b": 0.3, "holdout": 0.1}
    counts = {"a": 6_000, "b": 2_850, "holdout": 1_150}
    check = sample_ratio(counts, shares)
    assert check.p_value == pytest.approx(chisquare([6_000, 2_850, 1_150], [6_000, 3_000, 1_000]).pvalue)


def test_an_empty_arm_fails_and_a_customer_of_an_arm_without_share_too() -> None:
    assert not sample_ratio({"offer": 500}, HALVES).passed
    assert not sample_ratio({"offer": 500, "holdout": 1}, {"offer": 1.0, "holdout": 0.0}).passed


@pytest.mark.parametrize("shares", [{"offer": 1.0}, {"offer": 0.5, "holdout": 0.4}])
def test_counts_without_planned_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ExperimentError, match="must add up to 1"):
        sample_ratio({"offer": 5, "holdout": 5}, shares)


def test_arms_drawn_by_chance_are_alike() -> None:
    p_values = [arms_alike(*arms(seed)).p_value for seed in range(200)]
    assert 0.35 < np.mean(np.array(p_values) < 0.5) < 0.65


def test_arms_that_differ_before_are_seen() -> None:
    before, arm = arms(1)
    chosen = np.where(before[:, 0] + np.random.default_rng(2).normal(0, 200, len(before)) > 50, "offer", "holdout")
    assert arms_alike(before, arm).passed
    check = arms_alike(before, chosen)
    assert not check.passed
    assert check.sentence == "the arms differ before the start (p < .0001)"


def test_behaviour_that_is_the_same_for_all_tells_nothing() -> None:
    assert arms_alike(np.ones((10, 2)), np.array(["offer", "holdout"] * 5)).p_value == 1.0


def test_every_failed_check_is_a_reason() -> None:
    before, arm = arms(1)
    counts = {"offer": 1_200, "holdout": 800}
    arm = np.where(before[:, 0] > 50, "offer", "holdout")
    found = identify(counts, HALVES, "holdout", before, arm)
    assert not found.identified
    assert [reason.split(" (")[0] for reason in found.reasons] == [
        "the sample ratio fails: the assignment is broken",
        "the arms differ before the start",
    ]


def test_no_holdout_is_the_only_reason() -> None:
    before, _ = arms(1)
    for holdout in (None, "holdout"):
        found = identify({"offer": 2000}, {"offer": 1.0}, holdout, before, np.full(2000, "offer"))
        assert found.reasons == ("no hold-out was drawn, so there is nothing to compare with",)


def test_too_few_customers_are_named() -> None:
    check = enough({"offer": 900, "holdout": 99})
    assert not check.passed
    assert check.sentence == "too few customers: the arm 'holdout' has 99 (at least 100 are needed)"
    before, arm = arms(1, 150)
    found = identify({"offer": 75, "holdout": 75}, HALVES, "holdout", before, arm)
    assert [entry.name for entry in found.checks] == ["hold-out", "customers", "sample ratio"]
    assert not found.identified


def test_an_intact_experiment_is_identified() -> None:
    before, arm = arms(5)
    counts = {name: int((arm == name).sum()) for name in HALVES}
    found = identify(counts, HALVES, "holdout", before, arm)
    assert found.identified
    assert found.reasons == ()
