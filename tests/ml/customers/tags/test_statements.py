"""Hidden customers are calibrated by others, and the division into folds hardly shows in their probabilities."""

import numpy as np
import pytest

from ml.customers.tags.resampling import folds_of
from ml.customers.tags.statements import calibrated_on_others

pytestmark = pytest.mark.unit


def test_the_divisions_into_folds_hardly_separate_customers_with_the_same_log_odds() -> None:
    rng = np.random.default_rng(3)
    log_odds, true = np.zeros(200), rng.random(200) < 0.3
    divisions = [folds_of(200, seed) for seed in range(8)]
    one, all_of_them = (calibrated_on_others(log_odds, true, splits) for splits in (divisions[:1], divisions))
    assert len(np.unique(one.round(9))) == 5
    assert all_of_them.std() < 0.7 * one.std()
    assert all_of_them.mean() == pytest.approx(true.mean(), abs=0.02)


def test_a_customers_own_answer_does_not_calibrate_it() -> None:
    rng = np.random.default_rng(4)
    log_odds = rng.normal(size=100)
    true = rng.random(100) < 1 / (1 + np.exp(-log_odds))
    fold = folds_of(100, 1)
    other = true.copy()
    other[fold == 2] = ~other[fold == 2]
    before, after = (calibrated_on_others(log_odds, answers, [fold]) for answers in (true, other))
    assert np.array_equal(before[fold == 2], after[fold == 2])
    assert not np.isclose(before[fold != 2], after[fold != 2]).any()
