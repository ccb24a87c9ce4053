"""Credit goes to the source that earned it."""

import numpy as np
import pytest

from ml.evaluation.candidate_source_metrics import source_contributions
from ml.evaluation.ground_truth import GroundTruth, RankedLists
from scoring.candidates.merge import Candidates

SOURCES = ["repeat_purchases", "popular", "trending", "mailer"]
POSITIVE_QUOTAS = {"repeat_purchases": 2, "popular": 2, "mailer": 3}
QUOTAS = POSITIVE_QUOTAS | {"trending": 0}


def rows() -> dict[str, dict[str, float | None]]:
    """One customer, who owned 5 and bought 5, 7, 8 and 9; popular puts forward 7 and 8, the mailer nothing but 8."""
    candidates = Candidates(
        positions=np.array([5, 7, 8]),
        source=np.array([0, 1, 1]),
        is_repeat=np.array([True, False, False]),
        scores={},
        ranks={"repeat_purchases": np.array([0, 2, 2]), "popular": np.array([2, 0, 1]), "mailer": np.array([3, 3, 2])},
    )
    truth = GroundTruth(["a"], [np.array([5, 7, 8, 9])], [np.array([5])], np.array([0]))
    slates = {
        "all": RankedLists.of([np.array([5, 7, 8, 4])], [np.arange(4.0)], [np.array([0, 1, 1, 1])]),
        "explore": RankedLists.of([np.array([7, 8])], [np.arange(2.0)], [np.array([1, 1])]),
    }
    return source_contributions(truth, slates, [candidates], QUOTAS, SOURCES)


def test_every_source_that_was_asked_has_a_row_and_no_other():
    assert list(rows()) == list(POSITIVE_QUOTAS)


def test_places_in_the_list_and_what_became_of_them():
    found = rows()
    assert (found["repeat_purchases"]["all share"], found["repeat_purchases"]["all bought"]) == (0.25, 1.0)
    assert (found["popular"]["all share"], found["popular"]["all bought"]) == (0.75, pytest.approx(2 / 3))
    assert found["repeat_purchases"]["explore bought"] is None


def test_recall_counts_what_a_source_found_and_what_only_it_found():
    found = rows()
    # Four bought: popular found 7 and 8, and 8 was on the mailer too.
    assert (found["popular"]["all recall"], found["popular"]["all only_here"]) == (0.5, 0.25)
    assert (found["mailer"]["all recall"], found["mailer"]["all only_here"]) == (0.25, 0.0)
    # Three of them new.
    assert found["popular"]["explore recall"] == pytest.approx(2 / 3)
    assert [found[name]["only_here_hits"] for name in POSITIVE_QUOTAS] == [1, 1, 0]


def test_candidates_are_counted_for_each_source():
    assert [row["candidates"] for row in rows().values()] == [1, 2, 1]
