"""Quiet hours follow the customer's clock, also across midnight and summer time."""

from datetime import datetime, time, timedelta

import pytest

from outbox.plan import QuietHours
from outbox.quiet_hours import local_day, next_day, quiet_until, zone_of

BERLIN, NEW_YORK = zone_of("Europe/Berlin", "UTC"), zone_of("America/New_York", "UTC")
NIGHT = QuietHours(time(21), time(8))


@pytest.mark.parametrize(
    ("instant", "until"),
    [
        ("2026-11-30 19:59:59", None),
        ("2026-11-30 20:00", "2026-12-01 07:00"),
        ("2026-12-01 06:59:59", "2026-12-01 07:00"),
        ("2026-12-01 07:00", None),
        ("2026-07-01 05:59", "2026-07-01 06:00"),
    ],
)
def test_a_night_spans_midnight_in_the_customers_zone(instant: str, until: str | None) -> None:
    found = quiet_until(datetime.fromisoformat(instant), NIGHT, BERLIN)
    assert found == (datetime.fromisoformat(until) if until else None)


def test_hours_within_a_day() -> None:
    lunch = QuietHours(time(12), time(14))
    assert quiet_until(datetime(2026, 11, 30, 17, 30), lunch, NEW_YORK) == datetime(2026, 11, 30, 19)
    assert quiet_until(datetime(2026, 11, 30, 16, 30), lunch, NEW_YORK) is None


def test_without_quiet_hours_nothing_waits() -> None:
    assert quiet_until(datetime(2026, 1, 1, 3), None, BERLIN) is None
    assert quiet_until(datetime(2026, 1, 1, 3), QuietHours(time(3), time(3)), BERLIN) is None


def test_the_night_that_summer_time_shortens_ends_at_the_same_clock_time() -> None:
    # 2026-03-29: 2:00 becomes 3:00 in Berlin.
    assert quiet_until(datetime(2026, 3, 28, 21), NIGHT, BERLIN) == datetime(2026, 3, 29, 6)


def test_an_end_in_the_skipped_hour_comes_after_the_jump() -> None:
    quiet = QuietHours(time(22), time(2, 30))
    assert quiet_until(datetime(2026, 3, 28, 22), quiet, BERLIN) == datetime(2026, 3, 29, 1, 30)


def test_a_repeated_hour_is_quiet_twice() -> None:
    # 2026-10-25: 3:00 becomes 2:00 in Berlin, so 2:30 comes at 0:30 and at 1:30 UTC.
    quiet = QuietHours(time(22), time(2, 30))
    assert quiet_until(datetime(2026, 10, 25, 0, 15), quiet, BERLIN) == datetime(2026, 10, 25, 0, 30)
    assert quiet_until(datetime(2026, 10, 25, 0, 45), quiet, BERLIN) is None
    assert quiet_until(datetime(2026, 10, 25, 1, 15), quiet, BERLIN) == datetime(2026, 10, 25, 1, 30)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-15"])
def test_the_end_is_never_quiet_and_everything_before_it_is(day: str) -> None:
    start = datetime.fromisoformat(day) - timedelta(hours=12)
    for quiet in (
        NIGHT,
        QuietHours(time(22), time(2, 30)),
        QuietHours(time(1), time(3)),
        QuietHours(time(2), time(2, 15)),
    ):
        for minutes in range(0, 36 * 60, 15):
            instant = start + timedelta(minutes=minutes)
            until = quiet_until(instant, quiet, BERLIN)
            if until is not None:
                assert until > instant
                assert quiet_until(until, quiet, BERLIN) is None


def test_an_unknown_zone_is_replaced_by_the_shops() -> None:
    assert zone_of("Mars/Olympus", "Europe/Berlin") == zone_of(None, "Europe/Berlin") == BERLIN
    assert zone_of("", "Europe/Berlin") == BERLIN


def test_days_begin_at_the_customers_midnight() -> None:
    assert local_day(datetime(2026, 11, 30, 23, 30), BERLIN).isoformat() == "2026-12-01"
    assert next_day(datetime(2026, 10, 24, 23), BERLIN) == datetime(2026, 10, 25, 23)
