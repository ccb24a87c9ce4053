"""Compute when a message may leave: after the campaign's hour, outside quiet hours, in the customer's time zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from marketing.campaigns.definition.campaign import Schedule
from outbox.plan import QuietHours
from outbox.quiet_hours import instant_of, local_day, next_day, quiet_until, zone_of

INSTANT = "datetime64[us]"


@dataclass(frozen=True)
class Window:
    """When a message may leave, and the customer's calendar day then; naive UTC."""

    not_before: datetime
    not_after: datetime
    day_starts: datetime
    day_ends: datetime


@dataclass(frozen=True)
class Windows:
    """The windows of many customers, datetime64 `[customers]`; NaT where none is left."""

    not_before: np.ndarray
    not_after: np.ndarray
    day_starts: np.ndarray
    day_ends: np.ndarray


def windows(
    timezones: pa.Array, as_of: datetime, schedule: Schedule, quiet: QuietHours | None, shop: ZoneInfo
) -> Windows:
    """Return the window of each customer.

    Args:
        timezones: IANA names; the shop's zone where it is empty or unknown.
        as_of: now (naive UTC).
        schedule: of the campaign.
        quiet: quiet hours of the message class.
        shop: the shop's time zone.
    """
    encoded = timezones.dictionary_encode()
    names: Sequence[str] = encoded.dictionary.to_pylist()
    found = [window(as_of, schedule, quiet, zone_of(name, shop.key)) for name in names]
    found.append(window(as_of, schedule, quiet, shop))
    codes = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    columns = ("not_before", "not_after", "day_starts", "day_ends")
    values = {
        name: np.array([np.datetime64("NaT") if one is None else getattr(one, name) for one in found], INSTANT)
        for name in columns
    }
    return Windows(**{name: column[codes] for name, column in values.items()})


def window(as_of: datetime, schedule: Schedule, quiet: QuietHours | None, zone: ZoneInfo) -> Window | None:
    """Return the window of a customer in a time zone; None if the schedule ends before a message may leave."""
    not_before = as_of
    if schedule.starts is not None:
        not_before = max(not_before, instant_of(schedule.starts, time.min, zone))
    if schedule.send_at is not None:
        not_before = max(not_before, instant_of(local_day(not_before, zone), schedule.send_at, zone))
    not_before = quiet_until(not_before, quiet, zone) or not_before
    not_after = not_before + timedelta(hours=schedule.valid_hours)
    if schedule.ends is not None:
        last = instant_of(schedule.ends + timedelta(days=1), time.min, zone) - timedelta(microseconds=1)
        not_after = min(not_after, last)
    if not_after < not_before:
        return None
    day = instant_of(local_day(not_before, zone), time.min, zone)
    return Window(not_before, not_after, day, next_day(not_before, zone))
