"""Interest moves products towards the best score."""

import numpy as np
import pytest

from scoring.reranking.promotion import promote

SCORES = np.array([10.0, 8.0, 6.0, 4.0, 2.0], np.float32)
"""The median is 6. Distances to the best: 4 for the first three, 6 for the fourth, 8 for the last."""


def test_without_interest_nothing_changes() -> None:
    found = promote(SCORES, np.zeros(5, np.float32), 1.5, 2)
    assert (found.order.tolist(), found.scores.tolist(), found.is_credited.any()) == (
        [0, 1, 2, 3, 4],
        SCORES.tolist(),
        False,
    )


def test_interest_adds_its_share_of_the_distance_to_the_best() -> None:
    found = promote(SCORES, np.array([0, 0.25, 0, 1.0, 0.5], np.float32), 1.25, 2)
    # 8 + 1.25 · 0.25 · 4 = 9.25; 4 + 1.25 · 6 = 11.5; 2 + 1.25 · 0.5 · 8 = 7
    assert found.scores.tolist() == [11.5, 10.0, 9.25, 7.0, 6.0]
    assert found.order.tolist() == [3, 0, 1, 4, 2]


def test_only_a_product_that_its_interest_brought_into_the_list_is_credited() -> None:
    found = promote(SCORES, np.array([0, 1.0, 0, 1.0, 0], np.float32), 1.25, 2)
    assert found.order.tolist()[:2] == [1, 3]  # the second was in the list anyway
    assert found.is_credited.tolist() == [False, True, False, False, False]


@pytest.mark.parametrize("scores", [[], [3.0], [3.0, 3.0]])
def test_lists_without_a_spread_are_ordered_too(scores: list[float]) -> None:
    found = promote(np.array(scores, np.float32), np.arange(len(scores)) / 2, 1.0, 1)
    assert found.order.tolist() == list(range(len(scores)))[::-1]
