"""How raw features enter a ranker."""

import numpy as np

from ml.ranking.inputs import Numeric, Scaling


def test_a_feature_that_is_switched_off_says_nothing_and_the_others_what_they_said():
    raw = np.array([[1.0, 5.0], [3.0, 50.0], [9.0, 500.0]], np.float32)
    scaling = Scaling.of(raw)
    every, fewer = (Numeric(s)(raw).numpy() for s in (scaling, scaling.mask_columns([1])))
    np.testing.assert_array_equal(fewer[:, 0], every[:, 0])
    assert every[:, 1].any()
    assert not fewer[:, 1].any()
