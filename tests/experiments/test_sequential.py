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
