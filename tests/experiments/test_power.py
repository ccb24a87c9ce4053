import numpy as np
import pytest

from experiments.errors import ExperimentError
from experiments.power import Plan, chance_to_show, customers_needed, smallest_visible_effect, visible_drift
from experiments.sequential import announced_looks, weekly_looks


def test_one_look_needs_the_textbooks_drift() -> None:
    assert visible_drift(announced_looks(), power=0.8) == pytest.approx(1.95996 + 0.84162, abs=1e-3)


def test_looks_cost_a_little_power() -> None:
    ratio = visible_drift(weekly_looks(8)) / visible_drift(announced_looks())
    assert 1.01 < ratio < 1.03


def test_the_smallest_visible_effect_is_shown_with_the_asked_power() -> None:
    looks = weekly_looks(4)
    effect = smallest_visible_effect((900, 100), 120.0, se_factor=0.56, looks=looks, power=0.7)
    assert chance_to_show(effect, Plan((900, 100), 120.0, 0.56, looks)) == pytest.approx(0.7, abs=1e-6)
    assert chance_to_show(-effect, Plan((900, 100), 120.0, 0.56, looks)) == pytest.approx(0.7, abs=1e-6)


def test_a_small_holdout_shows_only_large_effects() -> None:
    half, tenth, twentieth = (
        smallest_visible_effect((round(2216 * (1 - share)), round(2216 * share)), 1.0) for share in (0.5, 0.1, 0.05)
    )
    assert tenth / half == pytest.approx(0.5 / np.sqrt(0.1 * 0.9), rel=0.01)
    assert twentieth / half == pytest.approx(0.5 / np.sqrt(0.05 * 0.95), rel=0.01)


def test_the_customers_needed_show_the_effect_and_no_fewer_do() -> None:
    needed = customers_needed(5.0, 120.0, 0.2, se_factor=0.56)
    at = smallest_visible_effect((round(0.8 * needed), round(0.2 * needed)), 120.0, 0.56)
    fewer = smallest_visible_effect((round(0.72 * needed), round(0.18 * needed)), 120.0, 0.56)
    assert at == pytest.approx(5.0, rel=0.01)
    assert fewer > 5.0


@pytest.mark.parametrize(
    ("customers", "deviation", "se_factor", "power", "message"),
    [
        ((0, 5), 1.0, 1.0, 0.8, "arms have 0 and 5"),
        ((5, 5), float("nan"), 1.0, 0.8, "deviation is nan"),
        ((5, 5), 1.0, 0.0, 0.8, "factor of the standard error is 0"),
        ((5, 5), 1.0, 1.0, 1.0, "power is 1"),
    ],
)
def test_an_impossible_plan_is_refused(customers, deviation, se_factor, power, message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        smallest_visible_effect(customers, deviation, se_factor, power=power)


def test_no_effect_and_no_holdout_need_no_number() -> None:
    with pytest.raises(ExperimentError, match="effect of 0"):
        customers_needed(0.0, 1.0, 0.5)
    with pytest.raises(ExperimentError, match="hold-out share is 1"):
        customers_needed(1.0, 1.0, 1.0)
