"""Inputs of the models, worked out by hand."""

import numpy as np
import pytest

from ml.customers.predictions.columns import silences
from ml.customers.predictions.history import Customers


def test_the_silence_until_now_is_not_one_of_the_earlier_ones() -> None:
    baskets = np.array([[0, 0, 0, 1, 0, 1, 1, 0], [0.0] * 8, [2, 1, 1, 1, 1, 1, 1, 1]])
    found = silences(Customers(["a", "b", "c"], {}, baskets, baskets))
    assert np.expm1(found["silent_weeks"]).round(9).tolist() == [3, 8, 0]
    assert np.expm1(found["longest_silent_weeks"]).round(9).tolist() == [1, 0, 0]
    assert found["silent_over_longest"].tolist() == pytest.approx(np.log([4 / 2, 9, 1]).tolist())
