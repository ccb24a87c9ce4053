from datetime import date

import pytest

from experiments.sequential import announced_looks
from marketing.measurement.announcement import Announcement
from marketing.measurement.errors import MeasurementError

START = date(2018, 1, 1)


def test_a_campaigns_definition_announces_metric_and_looks() -> None:
    definition = {"experiment": {"holdout": 0.2, "metric": "visits", "looks": ["2018-01-15", "2018-01-29"]}}
    found = Announcement.of_definition("spring", definition)
    assert found == Announcement("spring", "visits", (date(2018, 1, 15), date(2018, 1, 29)))
    assert found.bounds(START) == announced_looks((0.5, 1.0))


@pytest.mark.parametrize("definition", [{}, {"experiment": None}, {"experiment": {"looks": []}}])
def test_without_an_announcement_there_is_one_look_after_four_weeks(definition: dict) -> None:
    found = Announcement.of_definition("spring", definition)
    assert found.days(START) == (date(2018, 1, 29),)
    assert found.bounds(START) == announced_looks()


def test_an_unknown_metric_and_unordered_looks_are_refused() -> None:
    with pytest.raises(MeasurementError, match="'clicks' of campaign 'spring' cannot be measured from purchases"):
        Announcement("spring", "clicks")
    with pytest.raises(MeasurementError, match="2018-01-15, 2018-01-08 of campaign 'spring' do not ascend"):
        Announcement("spring", "spend", (date(2018, 1, 15), date(2018, 1, 8)))
    with pytest.raises(MeasurementError, match="look on 2018-01-01"):
        Announcement("spring", "spend", (START,)).days(START)
