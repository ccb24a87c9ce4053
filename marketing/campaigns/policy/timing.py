"""Compute when a message may leave: after the campaign's hour, outside quiet hours, in the customer's time zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa

from marketing.campaigns.definition.campaign import Schedule
from outbox.plan import QuietHours

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
    found = [window(as_of, schedule, quiet, _zone(name, shop)) for name in names]
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
    local = as_of.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    if schedule.starts is not None:
        local = max(local, datetime.combine(schedule.starts, time.min))
    if schedule.send_at is not None:
        local = max(local, datetime.combine(local.date(), schedule.send_at))
    if quiet is not None:
        local = _after_quiet(local, quiet)
    day = datetime.combine(local.date(), time.min)
    not_before = max(_utc(local, zone), as_of)
    not_after = not_before + timedelta(hours=schedule.valid_hours)
    if schedule.ends is not None:
        last = _utc(datetime.combine(schedule.ends, time.min) + timedelta(days=1), zone) - timedelta(microseconds=1)
        not_after = min(not_after, last)
    if not_after < not_before:
        return None
    return Window(not_before, not_after, _utc(day, zone), _utc(day + timedelta(days=1), zone))


def is_quiet(local: time, quiet: QuietHours) -> bool:
    """Return whether a local time lies in the quiet hours, which may span midnight."""
    if quiet.start <= quiet.end:
        return quiet.start <= local < quiet.end
    return local >= quiet.start or local < quiet.end


def _after_quiet(local: datetime, quiet: QuietHours) -> datetime:
    if not is_quiet(local.time(), quiet):
        return local
    end = datetime.combine(local.date(), quiet.end)
    return end if end > local else end + timedelta(days=1)


def _zone(name: str, shop: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return shop


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
