"""The allocation respects its rules whatever the candidates are, and is the best or close to it."""

from itertools import product

import numpy as np
import pytest

from marketing.offers.allocation import UNITS, Candidates, Rules, allocate, price_of_rules


def candidates(seed: int, customers: int, coupons: int) -> Candidates:
    """Return random candidates; some lose money, and face values are not whole cents."""
    random = np.random.default_rng(seed)
    count = customers * coupons
    return Candidates(
        np.repeat(np.arange(customers), coupons),
        random.normal(0.1, 0.3, count),
        random.uniform(0.05, 2.0, count),
        random.random(count) < 0.5,
    )


@pytest.mark.parametrize("seed", range(40))
def test_money_customers_and_existing_buyers_stay_within_the_rules(seed: int) -> None:
    random = np.random.default_rng(1000 + seed)
    found = candidates(seed, int(random.integers(1, 60)), int(random.integers(1, 9)))
    rules = Rules(float(random.uniform(0, 20)), int(random.integers(1, 5)), float(random.choice([0, 0.1, 0.3, 1])))
    allocation = allocate(found, rules)
    rows = allocation.rows
    # In ten-thousandths there is no rounding that could hide a breach.
    assert int(found.units[rows].sum()) <= int(rules.budget * UNITS + 1e-6)
    assert len(rows) == len(set(rows.tolist()))
    if len(rows):
        assert np.bincount(found.customers[rows]).max() <= rules.per_customer
        assert found.is_existing[rows].sum() <= rules.max_existing_share * len(rows) + 1e-9
    assert (found.margins[rows] > 0).all()
    assert allocation.margin == pytest.approx(found.margins[rows].sum())
    assert allocation.margin <= allocation.bound + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_a_small_allocation_is_the_best_of_all(seed: int) -> None:
    found = candidates(seed, 4, 3)
    rules = Rules(3.0, 2, 0.5)
    best = 0.0
    for choice in product([False, True], repeat=12):
        rows = np.flatnonzero(choice)
        if not len(rows) or found.units[rows].sum() > rules.units:
            continue
        if np.bincount(found.customers[rows]).max() > 2 or found.is_existing[rows].mean() > 0.5:
            continue
        best = max(best, float(found.margins[rows].sum()))
    assert allocate(found, rules).margin == pytest.approx(best, abs=1e-6)


def test_without_money_or_gain_nothing_is_offered() -> None:
    found = candidates(1, 5, 3)
    assert not len(allocate(found, Rules(0.0, 3, 1.0)).rows)
    losing = Candidates(found.customers, -np.abs(found.margins), found.costs, found.is_existing)
    assert not len(allocate(losing, Rules(100.0, 3, 1.0)).rows)


def test_no_rule_earns_anything() -> None:
    found, rules = candidates(2, 30, 6), Rules(5.0, 1, 0.1)
    with_rules = allocate(found, rules).margin
    assert all(margin >= with_rules - 1e-6 for margin in price_of_rules(found, rules).values())
