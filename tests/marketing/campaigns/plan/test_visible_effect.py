"""The smallest visible effect shrinks with customers and with a history that explains spend, and is not made up."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from marketing.campaigns.definition.campaign import Experiment
from marketing.campaigns.plan.visible_effect import VisibleEffect, visible_effect


def profiles(count: int, share_explained: float) -> pa.Table:
    rng = np.random.default_rng(1)
    before = rng.normal(200, 40, count)
    recent = 100 + share_explained * (before - 200) + (1 - share_explained) * rng.normal(0, 40, count)
    ids = [str(number) for number in range(count)]
    return pa.table({
        "customer_id": ids, "spend_4w": recent, "spend_13w": recent + before,
        "baskets_4w": np.where(np.arange(count) % 5, 3.0, 0.0), "baskets_13w": [9.0] * count,
    })  # fmt: skip


def effect(count: int, share: float = 0.5, held: float = 2, **experiment: object) -> VisibleEffect:
    ids = pa.array([str(number) for number in range(count)])
    is_held = pa.array([number % held < 1 for number in range(count)])
    found = visible_effect(
        Experiment.model_validate(experiment),
        profiles(count, share),
        ids.filter(pc.invert(is_held)),
        ids.filter(is_held),
    )
    assert isinstance(found, VisibleEffect)
    return found


def test_one_look_of_equal_arms_is_the_text_books_formula() -> None:
    found, outcome = effect(1000, 0.0), profiles(1000, 0.0)["spend_4w"].to_numpy()
    expected = (1.959964 + 0.841621) * outcome.std(ddof=1) * np.sqrt(2 / 500) * found.se_factor
    assert found.effect == pytest.approx(expected, rel=1e-3)
    assert found.se_factor > 0.99


def test_history_customers_and_a_larger_hold_out_make_smaller_effects_visible() -> None:
    base = effect(1000)
    assert effect(1000, share=0.9).se_factor < 0.2 < base.se_factor < 0.8
    assert effect(4000).effect == pytest.approx(base.effect / 2, rel=0.1)
    assert effect(1000, held=10).effect > 1.5 * base.effect


def test_looks_cost_a_little() -> None:
    looks = [date(2018, 1, 8), date(2018, 1, 15), date(2018, 1, 22), date(2018, 1, 29)]
    assert 1.0 < effect(1000, looks=looks).effect / effect(1000).effect < 1.05


def test_conversion_is_a_share_of_customers() -> None:
    found = effect(1000, metric="conversion")
    assert found.mean == pytest.approx(0.8)
    assert 0 < found.effect < 0.2


@pytest.mark.parametrize(
    ("planned", "held", "metric", "reason"),
    [(100, 0, "spend", "both arms need customers"), (10, 10, "spend", "Only 20 of")],
)
def test_what_cannot_be_computed_is_a_sentence(planned: int, held: int, metric: str, reason: str) -> None:
    ids = pa.array([str(number) for number in range(planned + held)])
    experiment = Experiment.model_validate({"metric": metric})
    found = visible_effect(experiment, profiles(planned + held, 0.5), ids[:planned], ids[planned:])
    assert isinstance(found, str)
    assert reason in found


@pytest.mark.parametrize(
    ("count", "held", "few", "step"),
    [
        (150, 10, "With 15 customers in the hold-out", "Reach at least 200 customers; these are 150"),
        (750, 50, "With 15 customers in the hold-out", "Hold out at least 14% of these 750 customers"),
        (300, 1.25, "With 60 messages", "Hold out at most 66% of these 300 customers"),
    ],
)
def test_an_arm_that_is_too_small_is_named_with_the_customers_that_it_needs(
    count: int, held: float, few: str, step: str
) -> None:
    found = effect(count, held=held)
    assert not found.is_measurable
    assert not found.to_json()["is_measurable"]
    assert few in found.sentence()
    assert "an arm needs 100 customers" in found.sentence()
    assert step in found.sentence()
    assert effect(200, held=2).is_measurable
