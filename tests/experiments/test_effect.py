import numpy as np
import pytest
from scipy.stats import ttest_ind

from experiments.effect import effect, look_correlations, measure_effects
from experiments.errors import ExperimentError

RNG = np.random.default_rng(3)
CUSTOMERS = 600
BEFORE = RNG.gamma(2.0, 50.0, (CUSTOMERS, 2))
IS_TREATED = RNG.random(CUSTOMERS) < 0.3
OUTCOME = BEFORE @ [0.5, 0.3] + RNG.normal(0, 20, CUSTOMERS) + 8.0 * IS_TREATED


def test_without_covariates_it_is_welchs_test() -> None:
    found = effect(OUTCOME, IS_TREATED)
    welch = ttest_ind(OUTCOME[IS_TREATED], OUTCOME[~IS_TREATED], equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert found.p_value == pytest.approx(welch.pvalue)
    assert found.degrees == pytest.approx(welch.df)
    assert found.interval(1.959964) == pytest.approx((interval.low, interval.high), abs=1e-4)


def test_the_adjusted_effect_is_lins_regression_with_hc2() -> None:
    """The same numbers by the full design [1, arm, x, arm * x] and the sandwich formula."""
    x = BEFORE - BEFORE.mean(axis=0)
    arm = IS_TREATED.astype(float)
    design = np.column_stack([np.ones(CUSTOMERS), arm, x, arm[:, None] * x])
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ design.T @ OUTCOME
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    residuals = OUTCOME - design @ coefficients
    sandwich = bread @ (design.T * (residuals**2 / (1 - leverage))) @ design @ bread
    found = effect(OUTCOME, IS_TREATED, BEFORE)
    assert found.difference == pytest.approx(coefficients[1])
    assert found.control_mean == pytest.approx(coefficients[0])
    assert found.standard_error == pytest.approx(np.sqrt(sandwich[1, 1]))


def test_adjusting_narrows_the_interval() -> None:
    assert effect(OUTCOME, IS_TREATED, BEFORE).standard_error < 0.5 * effect(OUTCOME, IS_TREATED).standard_error


def test_scale_and_collinear_columns_change_nothing() -> None:
    plain = effect(OUTCOME, IS_TREATED, BEFORE)
    wider = np.column_stack([BEFORE[:, 0] * 1e6, BEFORE.sum(axis=1), BEFORE[:, 1], np.ones(CUSTOMERS)])
    found = effect(OUTCOME, IS_TREATED, wider)
    assert found.covariates == 2
    assert found.difference == pytest.approx(plain.difference)
    assert found.standard_error == pytest.approx(plain.standard_error)


def test_metrics_are_measured_as_if_each_were_alone() -> None:
    bought = (OUTCOME > 80).astype(float)
    together = measure_effects(np.column_stack([OUTCOME, bought]), IS_TREATED, BEFORE).effects
    assert together[1].difference == pytest.approx(effect(bought, IS_TREATED, BEFORE).difference)
    assert together[0].standard_error == pytest.approx(effect(OUTCOME, IS_TREATED, BEFORE).standard_error)


def test_few_customers_are_not_adjusted() -> None:
    few = np.r_[np.flatnonzero(IS_TREATED)[:19], np.flatnonzero(~IS_TREATED)[:300]]
    found = effect(OUTCOME[few], IS_TREATED[few], BEFORE[few])
    assert (found.covariates, found.treated, found.control) == (0, 19, 300)


def test_the_interval_of_a_small_arm_is_students() -> None:
    few = np.r_[np.flatnonzero(IS_TREATED)[:5], np.flatnonzero(~IS_TREATED)[:5]]
    found = effect(OUTCOME[few], IS_TREATED[few])
    low, high = found.interval(1.959964)
    assert (high - low) / 2 > 2.2 * found.standard_error


def test_equal_outcomes_have_no_effect_and_no_error() -> None:
    found = effect(np.zeros(CUSTOMERS), IS_TREATED, BEFORE)
    assert (found.difference, found.p_value, found.interval(1.96)) == (0.0, 1.0, (0.0, 0.0))
    assert np.isnan(found.relative)


def test_a_covariate_of_one_customer_gives_a_finite_error() -> None:
    alone = np.zeros((CUSTOMERS, 1))
    alone[np.flatnonzero(IS_TREATED)[0]] = 1.0
    assert np.isfinite(effect(OUTCOME, IS_TREATED, alone).standard_error)


def test_an_empty_arm_and_a_missing_value_are_refused() -> None:
    with pytest.raises(ExperimentError, match="The arms have 600 and 0 customers"):
        effect(OUTCOME, np.ones(CUSTOMERS, dtype=bool))
    with pytest.raises(ExperimentError, match="is not finite"):
        effect(np.where(IS_TREATED, np.nan, OUTCOME), IS_TREATED)
    with pytest.raises(ExperimentError, match="is not finite"):
        effect(OUTCOME, IS_TREATED, np.full((CUSTOMERS, 1), np.inf))


def test_contributions_of_customers_add_up_to_the_variance() -> None:
    contributions = measure_effects(OUTCOME[:, None], IS_TREATED, BEFORE).contributions[:, 0]
    assert np.sqrt(contributions @ contributions) == pytest.approx(effect(OUTCOME, IS_TREATED, BEFORE).standard_error)


def test_looks_correlate_as_repeated_assignments_do() -> None:
    rng = np.random.default_rng(8)
    weeks = BEFORE[:, :1] * rng.gamma(1.0, 1.0, (CUSTOMERS, 2))
    cumulative = weeks.cumsum(axis=1)
    redrawn = [rng.permutation(IS_TREATED) for _ in range(400)]
    differences = np.array(
        [[cumulative[arm, k].mean() - cumulative[~arm, k].mean() for k in (0, 1)] for arm in redrawn]
    )
    [found] = look_correlations(list(measure_effects(cumulative, IS_TREATED).contributions.T))
    assert found == pytest.approx(np.corrcoef(differences.T)[0, 1], abs=0.07)


def test_a_look_without_variance_has_no_correlation() -> None:
    assert np.isnan(look_correlations([np.zeros(5), np.ones(5)])).all()
    assert look_correlations([np.ones(5)]) == ()
