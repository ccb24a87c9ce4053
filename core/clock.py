"""Read the clock and convert instants: Reach stores and compares naive datetimes in UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present instant as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def naive_utc(instant: datetime) -> datetime:
    """Return the instant as naive UTC; a naive instant is UTC already."""
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)
