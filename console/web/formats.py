"""Write numbers, shares and instants as people read them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

MISSING = "–"


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands separated, or a dash."""
    return MISSING if value is None else f"{value:,.{digits}f}"


def money(value: float | None) -> str:
    """Return an amount in the shop's currency; the currency's sign is not written."""
    return number(value, 2)


def share(value: float | None, digits: int = 0) -> str:
    """Return a share between 0 and 1 in percent."""
    return MISSING if value is None else f"{100 * value:.{digits}f}%"


def percent(value: object) -> str:
    """Return a share as the number that a form shows in percent; another value stays, as a person wrote it."""
    if isinstance(value, int | float):
        return f"{100 * value:.6g}"
    return "" if value is None else str(value)


def signed(value: float | None, digits: int = 1) -> str:
    """Return a difference with its sign, or a dash."""
    return MISSING if value is None else f"{value:+,.{digits}f}"


def size(count: float) -> str:
    """Return a number of bytes in the largest unit that gives at least 1."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"


def instant(value: datetime | str | None, zone: str) -> str:
    """Return a naive UTC instant in the shop's time zone, to the minute."""
    if not value:
        return MISSING
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def day(value: date | str | None) -> str:
    """Return a day as YYYY-MM-DD."""
    return MISSING if not value else str(value)[:10]


def ago(value: datetime | str | None, now: datetime) -> str:
    """Return how long before `now` a naive UTC instant is, in the largest unit that gives at least 1."""
    if not value:
        return MISSING
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    seconds = (now - moment).total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
