from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.errors import ExperimentError
from experiments.measurement.purchases import (
    admitted_purchases,
    landed_purchases,
    local_day,
    open_engine,
    outcomes_at,
    spend_before,
)
from settings import Settings
from tests.support.marketing.measured_campaign import write_manifest

IDS = np.array(["a", "b", "c"])
DECIDED = np.array(["2017-10-02T13:00", "2017-10-09T13:00", "2017-10-02T13:00"], dtype="datetime64[us]")
LOOK = datetime(2017, 10, 30, 4)
ROWS = [
    ("a", "1", 5.0, "2017-10-02T12:59:59"),  # before the decision
    ("a", "2", 10.0, "2017-10-02T13:00:00"),
    ("a", "2", 2.5, "2017-10-02T13:00:00"),
    ("a", "3", -4.0, "2017-10-20T10:00:00"),  # a return, no visit
    ("a", "4", 99.0, "2017-10-30T04:00:00"),  # after the look
    ("b", "5", 7.0, "2017-10-05T10:00:00"),  # before b's own decision
    ("b", "6", 8.0, "2017-10-25T10:00:00"),
    ("b", "7", 1.0, "2017-05-30T10:00:00"),  # more than sixteen weeks before
    ("b", "8", 3.0, "2017-06-20T10:00:00"),  # the oldest of the sixteen weeks
    ("d", "9", 50.0, "2017-10-20T10:00:00"),  # in no arm
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_manifest(tmp_path)
    ids, baskets, values, times = zip(*ROWS, strict=True)
    at = pa.array(np.array(times, dtype="datetime64[us]"))
    table = {"customer_id": ids, "basket_id": baskets, "sales_value": values, "transaction_at": at}
    pq.write_table(pa.table(table), tmp_path / "admitted" / "transactions.parquet")
    return Settings(data=tmp_path)


def test_metrics_count_from_each_customers_decision_to_the_look(settings: Settings) -> None:
    with open_engine(settings) as engine:
        found = outcomes_at(engine, admitted_purchases(settings), IDS, DECIDED, LOOK)
    assert {name: values.tolist() for name, values in found.items()} == {
        "conversion": [1.0, 1.0, 0.0],
        "spend": [8.5, 8.0, 0.0],
        "visits": [1.0, 1.0, 0.0],
        # b bought in the second half of the time, a only returned something then.
        "retention": [0.0, 1.0, 0.0],
    }


def test_weeks_before_count_back_from_each_customers_decision(settings: Settings) -> None:
    with open_engine(settings) as engine:
        found = spend_before(engine, admitted_purchases(settings), IDS, DECIDED)
    assert found.shape == (3, 16)
    assert found[0, -1] == 5.0
    assert found[1, -1] == 7.0
    assert found[1, 0] == 3.0
    assert found.sum() == 15.0


def test_a_landing_is_known_to_the_end_of_its_last_local_day(settings: Settings) -> None:
    found = landed_purchases(settings, settings.paths.admitted)
    assert (found.as_of, found.until) == (date(2017, 10, 31), datetime(2017, 10, 31, 4))
    with pytest.raises(ExperimentError, match="Name a folder with Parquet tables"):
        landed_purchases(settings, settings.data / "nowhere")


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("America/New_York", datetime(2018, 1, 1, 4, 59), date(2017, 12, 31)),
        ("Europe/Berlin", datetime(2017, 12, 31, 23, 0), date(2018, 1, 1)),
    ],
)
def test_a_day_is_the_shops(zone: str, instant: datetime, day: date) -> None:
    assert local_day(Settings(timezone=zone), instant) == day


def test_nothing_admitted_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="Run 'make demo' first"):
        admitted_purchases(Settings(data=tmp_path))
