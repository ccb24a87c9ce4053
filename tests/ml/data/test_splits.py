"""Splits follow time: earlier snapshots train, the newest one evaluates."""

from datetime import date, timedelta

import pytest

from ml.config import TrainingWindowsConfig
from ml.data.splits import Split, Supply, label_instant, split
from ml.errors import NotEnoughDataError
from settings import Settings

WINDOWS = TrainingWindowsConfig(ranker_snapshots=3, retrieval_snapshots=12)
HORIZON = timedelta(weeks=4)
TOLERANCE = timedelta(hours=2)  # clocks change between two local midnights


@pytest.fixture
def instants(monkeypatch: pytest.MonkeyPatch) -> list:
    return Settings(timezone="America/New_York", snapshots=21, snapshot_weeks=2).snapshot_instants(date(2018, 1, 1))


def windows_of(cuts: Split, part: list) -> list:
    return [(cut, cut + HORIZON) for cut in part]


def test_the_test_window_is_the_protocols(instants):
    cuts = split(instants, WINDOWS)
    assert cuts.evaluation.date() == date(2017, 12, 4)  # weeks 50 to 53
    assert split(instants, WINDOWS, shift_weeks=4).evaluation.date() == date(2017, 11, 6)  # weeks 46 to 49


def test_no_training_label_reaches_into_the_evaluated_window(instants):
    cuts = split(instants, WINDOWS)
    for _, end in windows_of(cuts, [*cuts.ranker, *cuts.retrieval]):
        assert end <= cuts.evaluation + TOLERANCE


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


def supply(instants: list, evaluated: int = 150, first_weeks: int = 52, **customers: int) -> Supply:
    """`customers`: by `w<weeks before as_of>`, otherwise 60 at every snapshot and 1,000 at the evaluated one."""
    counts = dict.fromkeys(instants, 60) | {instants[2]: 1000}
    counts |= {instants[int(weeks[1:]) // 2]: n for weeks, n in customers.items()}
    return Supply(counts, instants[0] - timedelta(weeks=first_weeks), evaluated)


def test_a_shop_that_doubles_every_month_trains_on_the_customers_it_knows(instants):
    # Of 13,858 customers half came in the last four weeks; a quarter of a month's buyers are known from before it.
    known = {t: round(13_858 * 0.5 ** (weeks / 4) / 4) for t, weeks in zip(instants, range(0, 42, 2), strict=True)}
    cuts = split(instants, TrainingWindowsConfig(), supply=Supply(known, instants[-1], 150))
    assert [known[t] for t in cuts.ranker] == [866, 612, 433, 306]
    assert [known[t] for t in cuts.retrieval] == [153, 108, 77, 54]  # 38, the next, are fewer than 50


def test_without_growth_nothing_is_left_out(instants):
    assert split(instants, TrainingWindowsConfig(), supply=supply(instants)) == split(instants, TrainingWindowsConfig())


def test_a_month_in_which_the_shop_was_closed_is_left_out_and_nothing_before_it(instants):
    cuts = split(instants, TrainingWindowsConfig(), supply=supply(instants, w12=0, w14=49))
    assert cuts.ranker[:3] == [instants[4], instants[5], instants[8]]
    assert cuts.retrieval[-1] == instants[20]


def test_the_beginning_of_the_data_trains_nothing(instants):
    cuts = split(instants, TrainingWindowsConfig(), supply=supply(instants, first_weeks=34))
    assert cuts.retrieval[-1] == instants[15]  # thirty weeks before as_of; four weeks of purchases lie before it


def test_too_few_customers_to_evaluate_are_counted(instants):
    with pytest.raises(NotEnoughDataError, match=r"37 bought both before 2017-12-04 and in .* needs 150, 113 more\.$"):
        split(instants, TrainingWindowsConfig(), supply=supply(instants, w4=37))


def test_too_short_a_history_says_how_many_weeks_are_missing(instants):
    with pytest.raises(NotEnoughDataError, match="begin on 2017-11-06, and training needs 16 weeks of them") as error:
        split(instants, TrainingWindowsConfig(), supply=supply(instants, first_weeks=8))
    assert "8 more weeks are missing" in str(error.value)


def test_too_few_customers_to_train_on_says_how_many_and_how_long_it_takes(instants):
    few = {f"w{weeks}": 12 for weeks in range(10, 42, 2)}
    with pytest.raises(NotEnoughDataError, match=r"until 2017-10-09 did more than 12 customers .* needs 50, 38 more") as error:
        split(instants, TrainingWindowsConfig(), supply=supply(instants, **few))
    assert "From 2017-11-06 on there are enough: 4 more weeks." in str(error.value)


def test_too_few_snapshots_name_the_setting_that_helps(instants):
    with pytest.raises(NotEnoughDataError, match="Set REACH_SNAPSHOTS to at least 7"):
        split(instants[:6], WINDOWS)
    assert split(instants[:7], WINDOWS).retrieval == [instants[6]]


def test_snapshots_that_miss_the_evaluated_day_name_the_setting_that_helps():
    instants = Settings(timezone="UTC", snapshots=21, snapshot_weeks=3).snapshot_instants(date(2018, 1, 1))
    with pytest.raises(NotEnoughDataError, match="REACH_SNAPSHOT_WEEKS does not divide the horizon of 4 weeks"):
        split(instants, WINDOWS)
