import numpy as np

from experiments.pre_period import PRE_WEEKS, covariates


def test_covariates_are_spans_of_spend_and_weeks_with_purchases() -> None:
    weeks = np.zeros((2, PRE_WEEKS))
    weeks[0] = np.arange(1, PRE_WEEKS + 1)
    weeks[1, [0, 11, 15]] = 1.0, 2.0, 4.0
    assert covariates(weeks).tolist() == [
        [13 + 14 + 15 + 16, 9 + 10 + 11 + 12, sum(range(1, 9)), 16],
        [4.0, 2.0, 1.0, 3],
    ]
