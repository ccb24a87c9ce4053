"""Find the days and quiet hours of a customer's clock, also across midnight, time zones and summer time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from outbox.plan import QuietHours


def zone_of(name: str | None, default: str) -> ZoneInfo:
    """Return a customer's zone; an unknown or missing one is replaced by the default."""
    try:
        return ZoneInfo(name or default)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(default)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of an instant (naive UTC) in a zone."""
    return _local(instant, zone).date()


def next_day(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant (naive UTC) of the calendar day after the one of `instant` in a zone."""
    return instant_of(local_day(instant, zone) + timedelta(days=1), time.min, zone)


def instant_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return the instant (naive UTC) at which a zone's clock first shows a time of a day."""
    return _utc(datetime.combine(day, clock, zone))


def quiet_until(instant: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime | None:
    """Return the first instant (naive UTC) that is not quiet, or None if `instant` is not quiet.

    The clock on the customer's wall counts: an hour that summer time repeats is quiet twice. An end that
    summer time skips is reached by the new clock: 2:30 becomes 3:30.
    """
    if quiet is None or not _is_quiet(instant, quiet, zone):
        return None
    found = instant
    # Quiet hours of almost a whole day can be quiet again at the end that summer time moved.
    while _is_quiet(found, quiet, zone):
        found = _next_end(found, quiet, zone)
    return found


def _is_quiet(instant: datetime, quiet: QuietHours, zone: ZoneInfo) -> bool:
    now = _local(instant, zone).time()
    if quiet.start <= quiet.end:
        return quiet.start <= now < quiet.end
    return now >= quiet.start or now < quiet.end


def _next_end(instant: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """Return the next instant at which the clock shows the end."""
    day = local_day(instant, zone)
    for later in range(3):
        for fold in (0, 1):
            end = _utc(datetime.combine(day + timedelta(days=later), quiet.end, zone).replace(fold=fold))
            if end > instant:
                return end
    raise AssertionError("a clock shows every time of day within two days")


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(zone)


def _utc(local: datetime) -> datetime:
    return local.astimezone(UTC).replace(tzinfo=None)
