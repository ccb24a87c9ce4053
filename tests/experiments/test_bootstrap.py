"""Intervals over customers: paired, reproducible, honest about what is not known."""

import numpy as np
import pytest
from scipy import stats

from experiments.bootstrap import bootstrap, bootstrap_columns, holm, paired_difference


def test_a_constant_difference_has_no_uncertainty_however_customers_vary():
    base = np.random.default_rng(1).normal(size=400)
    estimate = paired_difference(base + 0.01, base, seed=7)
    assert estimate.low == pytest.approx(0.01)
    assert estimate.high == pytest.approx(0.01)


def test_the_interval_has_the_width_of_the_normal_approximation():
    values = np.random.default_rng(2).normal(loc=0.3, scale=2.0, size=2000)
    estimate = bootstrap(values, seed=7)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert estimate.high - estimate.low == pytest.approx(2 * half, rel=0.1)
    assert estimate.low < values.mean() < estimate.high


def test_no_difference_is_not_significant():
    noise = np.random.default_rng(3).normal(size=1000)
    assert paired_difference(noise, np.roll(noise, 1), seed=7).p_value > 0.05


def test_customers_who_are_not_evaluated_are_left_out():
    estimate = bootstrap(np.array([1.0, np.nan, 3.0]), seed=7)
    assert (estimate.mean, estimate.customers) == (2.0, 2)


def test_without_any_customer_nothing_is_claimed():
    estimate = bootstrap(np.array([np.nan]), seed=7)
    assert estimate.customers == 0
    assert estimate.p_value == 1.0


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(4).normal(size=100)
    assert bootstrap(values, seed=7) == bootstrap(values, seed=7)


def test_columns_are_evaluated_on_the_same_resamples_and_as_if_alone():
    values = np.random.default_rng(5).normal(size=(300, 2))
    both = bootstrap_columns(np.column_stack([values, values[:, 0]]), seed=7)
    assert both[0] == both[2]
    assert both[1].low == pytest.approx(bootstrap(values[:, 1], seed=7).low)


def test_a_column_counts_only_its_own_customers():
    values = np.random.default_rng(6).normal(loc=1.0, size=(400, 1))
    half = values.copy()
    half[::2] = np.nan
    [estimate] = bootstrap_columns(half, seed=7)
    alone = bootstrap(values[1::2, 0], seed=7)
    assert (estimate.customers, estimate.mean) == (200, pytest.approx(alone.mean))
    assert estimate.high - estimate.low == pytest.approx(alone.high - alone.low, rel=0.1)


def test_holm_multiplies_by_the_tests_that_are_left():
    # sorted .01, .03, .04: × 3, × 2, × 1 and never less than the one before
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_the_interval_is_that_of_scipys_percentile_bootstrap():
    values = np.random.default_rng(3).gamma(2.0, 0.1, 400) - 0.18
    ours = bootstrap(values, seed=7)
    scipys = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", confidence_level=0.95, rng=np.random.default_rng(8)
    )
    # An end of an interval from 2,000 resamples varies by about 0.0003 here, a tenth of the standard error.
    assert ours.mean == pytest.approx(values.mean())
    assert ours.low == pytest.approx(scipys.confidence_interval.low, abs=0.001)
    assert ours.high == pytest.approx(scipys.confidence_interval.high, abs=0.001)
    assert ours.p_value == pytest.approx((scipys.bootstrap_distribution <= 0).mean(), abs=0.02)


def test_paired_differences_have_the_interval_of_scipys_paired_bootstrap():
    rng = np.random.default_rng(4)
    one = rng.random(300)
    other = one - 0.02 + 0.1 * rng.standard_normal(300)
    ours = paired_difference(one, other, seed=7)
    scipys = stats.bootstrap(
        (one, other),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        n_resamples=20_000,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(8),
    )
    assert ours.low == pytest.approx(scipys.confidence_interval.low, abs=0.001)
    assert ours.high == pytest.approx(scipys.confidence_interval.high, abs=0.001)
