"""Salted hashes: the same variant everywhere, independent layers, disjoint slots, and a tester's choice."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from experiments.assignment import assign, experiment_key
from online_experiments.assignment import Assignments
from tests.support.online_experiments.announced import STARTS_AT, announced, variants

CUSTOMERS = [f"c{number}" for number in range(4000)]
NOON = STARTS_AT + timedelta(hours=8)
FOUR = variants(rule={"serve": "baseline"}, a={}, b={"diversity": 0.5}, c={"serve": "nothing"})
WIDE = {"id": "wide", "layer": "diversity", "control": "same", "variants": variants(same={}, wide={"diversity": 0.5})}


def named(found: Assignments, customer_id: str, slate: str = "all", now: datetime = NOON) -> dict[str, str]:
    """Return the names of a customer's variants by experiment."""
    return {one.announcement.id: one.variant.name for one in found.of(customer_id, slate, now, {})}


def test_a_variant_is_that_of_the_statistics_package_in_any_order_of_files() -> None:
    first, second = announced(variants=FOUR), announced(**WIDE)
    key = experiment_key(bytes.fromhex(first.salt), first.id)
    expected = assign(key, CUSTOMERS, first.experiment.shares).tolist()
    for files in ([first, second], [second, first]):
        assert [named(Assignments(files), customer)["rule-or-model"] for customer in CUSTOMERS] == expected


def test_another_salt_is_another_assignment() -> None:
    one, other = (Assignments([announced(salt=salt * 16)]) for salt in ("01", "02"))
    assert 0.4 < np.mean([named(one, c) == named(other, c) for c in CUSTOMERS]) < 0.6


def test_a_customer_takes_part_in_one_experiment_of_a_layer() -> None:
    both = Assignments([announced(slots=(0, 30)), announced(id="second", slots=(30, 100))])
    found = [list(named(both, customer)) for customer in CUSTOMERS]
    assert all(len(names) == 1 for names in found)
    assert np.mean([names == ["rule-or-model"] for names in found]) == pytest.approx(0.3, abs=0.03)


def test_two_layers_are_independent() -> None:
    both = Assignments([announced(), announced(**WIDE)])
    found = [named(both, customer) == {"rule-or-model": "model", "wide": "wide"} for customer in CUSTOMERS]
    assert np.mean(found) == pytest.approx(0.25, abs=0.03)


def test_another_experiment_of_the_layer_moves_no_customer() -> None:
    stays, leaves = announced(slots=(0, 50)), announced(id="second", slots=(50, 100))
    alone, together = Assignments([stays]), Assignments([stays, leaves])
    for customer in CUSTOMERS[:500]:
        assert named(alone, customer).get(stays.id) == named(together, customer).get(stays.id)


@pytest.mark.parametrize("minutes", [-7, 7])
def test_a_clock_that_differs_by_minutes_changes_no_assignment(minutes: int) -> None:
    found = Assignments([announced(variants=FOUR)])
    later = NOON + timedelta(minutes=minutes)
    assert all(named(found, customer) == named(found, customer, now=later) for customer in CUSTOMERS[:500])


def test_an_experiment_covers_its_time_and_its_lists_only() -> None:
    found = Assignments([announced(slates=("explore",))])
    assert named(found, "c1") == {}
    assert list(named(found, "c1", "explore")) == ["rule-or-model"]
    for now in (STARTS_AT - timedelta(seconds=1), found.by_id["rule-or-model"].ends_at):
        assert named(found, "c1", "explore", now) == {}


def test_a_testers_choice_replaces_the_experiments_of_its_layer() -> None:
    files = [announced(slots=(0, 50)), announced(id="second", slots=(50, 100)), announced(**WIDE)]
    for customer in CUSTOMERS[:50]:
        found = Assignments(files).of(customer, "all", STARTS_AT - timedelta(days=1), {"second": "rule"})
        assert [(one.announcement.id, one.variant.name, one.is_override) for one in found] == [("second", "rule", True)]
        found = Assignments(files).of(customer, "all", NOON, {"second": "rule"})
        assert [one.announcement.id for one in found] == ["wide", "second"]
