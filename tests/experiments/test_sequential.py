import numpy as np
import pytest

from experiments.errors import ExperimentError
from experiments.sequential import MAX_BOUND, announced_looks, crossing_probability, weekly_looks


def test_bounds_equal_those_of_the_literature() -> None:
    """Five equal looks, alpha .05 two-sided: Proschan, Lan & Wittes 2006, and R's ldbounds."""
    assert np.allclose(weekly_looks(5).bounds, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310], atol=2e-4)


def test_a_single_look_is_the_ordinary_test() -> None:
    assert announced_looks().bounds == pytest.approx([1.959964], abs=1e-6)


@pytest.mark.parametrize("weeks", [2, 4, 8, 30])
def test_all_of_alpha_is_spent(weeks: int) -> None:
    assert crossing_probability(weekly_looks(weeks), drift=0.0).sum() == pytest.approx(0.05, abs=1e-6)


def test_unequal_looks_spend_all_of_alpha_too() -> None:
    looks = announced_looks((0.01, 0.3, 0.31, 1.0), alpha=0.1)
    assert looks.bounds[0] == MAX_BOUND
    assert crossing_probability(looks, drift=0.0).sum() == pytest.approx(0.1, abs=1e-6)


def test_crossing_agrees_with_simulated_paths() -> None:
    looks, drift = weekly_looks(4), 2.5
    rng = np.random.default_rng(1)
    scores = rng.normal(drift / 4, 0.5, (40_000, 4)).cumsum(axis=1)
    z = scores / np.sqrt(looks.fractions)
    crossed = np.abs(z) >= looks.bounds
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), -1)
    simulated = [np.mean((first == look) & (z[:, look] > 0)) for look in range(4)]
    assert np.allclose(crossing_probability(looks, drift)[:, 0], simulated, atol=0.01)


@pytest.mark.parametrize("fractions", [(), (0.5,), (0.5, 0.5, 1.0), (0.0, 1.0), (0.6, 0.4, 1.0)])
def test_looks_that_do_not_ascend_to_one_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ExperimentError, match="must ascend from above 0 to 1"):
        announced_looks(fractions)


def test_no_week_and_no_alpha_are_refused() -> None:
    with pytest.raises(ExperimentError, match="0 weeks has no look"):
        weekly_looks(0)
    with pytest.raises(ExperimentError, match="alpha is 1"):
        announced_looks((1.0,), alpha=1.0)


def test_a_bound_does_not_depend_on_later_looks() -> None:
    fractions = (0.25, 0.5, 0.75, 1.0)
    early = announced_looks(fractions, correlations=(0.6,)).bounds
    late = announced_looks(fractions, correlations=(0.6, 0.7, 0.8)).bounds
    assert np.allclose(early[:2], late[:2], atol=1e-4)
    assert late[3] > early[3]


def test_bounds_hold_alpha_at_the_measured_correlations() -> None:
    """Four looks at "bought at all": measured correlations on the demo's data, and drawn normal statistics."""
    fractions, neighbours = (0.25, 0.5, 0.75, 1.0), (0.606, 0.737, 0.813)
    correlation = np.array(
        [[1, 0.606, 0.433, 0.356], [0.606, 1, 0.737, 0.597], [0.433, 0.737, 1, 0.813], [0.356, 0.597, 0.813, 1]]
    )
    drawn = np.abs(np.random.default_rng(1).normal(size=(400_000, 4)) @ np.linalg.cholesky(correlation).T)
    measured, planned = announced_looks(fractions, 0.05, neighbours), announced_looks(fractions)
    assert (drawn >= measured.bounds).any(axis=1).mean() == pytest.approx(0.05, abs=0.001)
    assert (drawn >= planned.bounds).any(axis=1).mean() > 0.0515


@pytest.mark.parametrize("correlation", [0.0, -0.9, 1.0, float("nan")])
def test_extreme_correlations_still_spend_alpha(correlation: float) -> None:
    looks = announced_looks((0.25, 0.5, 0.75, 1.0), correlations=(correlation,) * 3)
    assert crossing_probability(looks, drift=0.0).sum() == pytest.approx(0.05, abs=1e-6)
    assert looks.bounds[-1] < 2.2
