"""Time decides what trains and what judges."""

from datetime import date, timedelta

import pytest

from ml.config import Windows
from ml.data.splits import Split, covered, label_instant, split
from ml.errors import NotEnoughData
from settings import Settings

WINDOWS = Windows(horizon=4, ranker_snapshots=3, retrieval_snapshots=12)
HORIZON = timedelta(weeks=4)
TOLERANCE = timedelta(hours=2)  # clocks change between two local midnights


@pytest.fixture
def instants(monkeypatch: pytest.MonkeyPatch) -> list:
    return Settings(timezone="America/New_York", snapshots=21, snapshot_weeks=2).snapshot_instants(date(2018, 1, 1))


def windows_of(cuts: Split, part: list) -> list:
    return [(cut, cut + HORIZON) for cut in part]


def test_the_test_window_is_the_protocols(instants):
    cuts = split(instants, WINDOWS)
    assert cuts.judged.date() == date(2017, 12, 4)  # weeks 50 to 53
    assert split(instants, WINDOWS, shift_weeks=4).judged.date() == date(2017, 11, 6)  # weeks 46 to 49


def test_no_training_label_reaches_into_the_judged_window(instants):
    cuts = split(instants, WINDOWS)
    for _, end in windows_of(cuts, [*cuts.ranker, *cuts.retrieval]):
        assert end <= cuts.judged + TOLERANCE


def test_the_ranker_never_sees_retrieval_scores_of_weeks_the_towers_learned(instants):
    cuts = split(instants, WINDOWS)
    for _, end in windows_of(cuts, cuts.retrieval):
        assert end <= min(cuts.ranker) + TOLERANCE


def test_a_label_is_what_was_bought_one_horizon_after_the_snapshot(instants):
    cut = instants[2]
    assert label_instant(cut, instants, WINDOWS) == instants[0]


def test_a_short_history_is_shared_between_towers_and_ranker(instants):
    cuts = split(instants[:12], WINDOWS)  # three more than the least: ranker 8, 10; towers 14, 16, … weeks back
    assert len(cuts.ranker) == 3
    assert len(cuts.retrieval) == 4
    cuts = split(instants[:9], WINDOWS)
    assert (len(cuts.ranker), len(cuts.retrieval)) == (2, 2)


def test_instants_with_hardly_any_history_train_nothing(instants):
    everybody = {"a", "b", "c", "d"}
    known = dict.fromkeys(instants, everybody) | {instants[18]: {"a", "b"}, instants[19]: {"a"}, instants[20]: set()}
    buyers = dict.fromkeys(instants, everybody)
    assert covered(instants, known, buyers, WINDOWS) == instants[:19]  # of four buyers, one was known at the 20th
    del known[instants[3]]
    assert covered(instants, known, buyers, WINDOWS) == instants[:3]


def test_too_short_a_history_says_what_there_is(instants):
    with pytest.raises(NotEnoughData, match="they span 2017-10-23 to 2018-01-01"):
        split(instants[:6], WINDOWS)
