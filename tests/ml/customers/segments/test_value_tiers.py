"""Spend tiers and their hysteresis."""

from datetime import datetime

import numpy as np
from scipy.sparse import csr_matrix

from ml.customers.segments.customers import Customers
from ml.customers.segments.scheme import UNASSIGNED
from ml.customers.segments.value_tiers import ValueTiers


def with_spend(*spend: float) -> Customers:
    values = np.array(spend, dtype=float)
    ids = np.array([f"c{k}" for k in range(len(spend))])
    return Customers(datetime(2018, 1, 1), ids, values, values, values, [], csr_matrix((len(spend), 0)), values)


def test_half_the_spenders_are_low_and_a_fifth_is_high() -> None:
    customers = with_spend(*range(1, 101), 0)
    found = ValueTiers.fit(customers, 0.0).assign(customers)

    assert np.bincount(found[:100]).tolist() == [50, 30, 20]
    assert found[100] == UNASSIGNED


def test_a_customer_changes_tier_only_beyond_the_margin() -> None:
    tiers = ValueTiers(margin=0.1, thresholds=(np.log(100), np.log(200)))
    # 9 % and 12 % above the first threshold, and 12 % below the second.
    customers = with_spend(109, 112, 176, 109)
    before = np.array([0, 0, 2, UNASSIGNED])

    assert tiers.assign(customers, before).tolist() == [0, 1, 1, 1]


def test_thresholds_follow_the_customers_of_the_day() -> None:
    tiers = ValueTiers(margin=0.0)

    assert tiers.at(with_spend(*range(10, 110))).thresholds[0] > tiers.at(with_spend(*range(1, 101))).thresholds[0]
    assert tiers.at(with_spend(0, 0)).assign(with_spend(0, 0)).tolist() == [UNASSIGNED] * 2
