"""A message may leave after the campaign's hour and outside quiet hours, in the customer's zone, over summer time."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.campaigns.definition.campaign import Schedule
from marketing.campaigns.policy.timing import window, windows
from outbox.plan import QuietHours
from outbox.quiet_hours import quiet_until
from tests.support.marketing.campaign_shop import instant

NIGHT = QuietHours(time(21), time(8))
NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "schedule", "leaves"),
    [
        ("2018-01-01T12:00-05:00", Schedule(), "2018-01-01T12:00-05:00"),
        ("2018-01-01T22:00-05:00", Schedule(), "2018-01-02T08:00-05:00"),
        ("2018-01-01T05:00-05:00", Schedule(), "2018-01-01T08:00-05:00"),
        ("2018-01-01T05:00-05:00", Schedule(send_at=time(10)), "2018-01-01T10:00-05:00"),
        ("2018-01-01T12:00-05:00", Schedule(starts=date(2018, 1, 3)), "2018-01-03T08:00-05:00"),
        ("2018-01-01T12:00-05:00", Schedule(send_at=time(22)), "2018-01-02T08:00-05:00"),
        ("2018-03-10T23:00-05:00", Schedule(), "2018-03-11T08:00-04:00"),  # the clock goes forward that night
        ("2018-11-04T01:30-04:00", Schedule(), "2018-11-04T08:00-05:00"),  # and back
    ],
)
def test_when_a_message_may_leave(now: str, schedule: Schedule, leaves: str) -> None:
    found = window(instant(now), schedule, NIGHT, NEW_YORK)
    assert found is not None
    assert found.not_before == instant(leaves)


def test_the_hour_that_comes_twice_is_not_before_now() -> None:
    now = instant("2018-11-04T01:30-05:00")
    found = window(now, Schedule(send_at=time(1, 45)), None, NEW_YORK)
    assert found is not None
    assert found.not_before == now


def test_a_campaign_that_ends_in_the_quiet_hours_sends_nothing() -> None:
    now = instant("2018-01-01T22:00-05:00")
    assert window(now, Schedule(ends=date(2018, 1, 1)), NIGHT, NEW_YORK) is None
    last = window(now, Schedule(ends=date(2018, 1, 2)), NIGHT, NEW_YORK)
    assert last is not None
    assert last.not_after == datetime(2018, 1, 3, 4, 59, 59, 999999)


@given(
    now=st.datetimes(datetime(2018, 1, 1), datetime(2019, 1, 1)),
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from([NEW_YORK, BERLIN, ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Apia")]),
)
def test_no_message_leaves_in_the_quiet_hours_or_before_now(
    now: datetime, start: time, end: time, zone: ZoneInfo
) -> None:
    quiet = QuietHours(start.replace(microsecond=0), end.replace(microsecond=0))
    found = window(now, Schedule(), quiet, zone)
    assert found is not None
    assert found.not_before >= now
    assert quiet_until(found.not_before, quiet, zone) is None
    assert found.day_starts <= found.not_before < found.day_ends


def test_each_customer_has_a_zone_and_the_shops_where_it_is_unknown() -> None:
    zones = pa.array(["Europe/Berlin", None, "Nowhere/City", "America/New_York"])
    found = windows(zones, instant("2018-01-01T06:00+00:00"), Schedule(), NIGHT, BERLIN)
    hours = [str(value)[11:16] for value in found.not_before]
    assert hours == ["07:00", "07:00", "07:00", "13:00"]
    assert found.not_after[0] - found.not_before[0] == np.timedelta64(48, "h")
