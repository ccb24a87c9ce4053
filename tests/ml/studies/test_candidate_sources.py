"""A source by itself: its own order, new products only."""

import numpy as np

from ml.studies.candidate_sources import standalone_lists
from scoring.candidates.merge import Candidates


def test_a_source_lists_what_it_put_forward_in_its_own_order_and_nothing_the_customer_had():
    candidates = Candidates(
        positions=np.array([4, 7, 2, 9]),
        source=np.zeros(4, int),
        is_repeat=np.array([True, False, False, False]),
        scores={"trending": np.array([9.0, 0.2, 0.8, 0.5], np.float32)},
        ranks={"trending": np.array([0, 3, 1, 100], np.float32)},  # 100: others put it forward
    )
    lists = standalone_lists([candidates], "trending")["explore"]
    assert lists.positions[0, :3].tolist() == [2, 7, -1]
    np.testing.assert_allclose(lists.scores[0, :2], [0.8, 0.2])
