"""Decide which rows were known before `as_of`: one SQL condition per table."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.duckdb_engine import quote_identifier, quote_literal
from landing.contract import EVENTS, PROMOTIONS, PROMOTIONS_PLANNED_DAYS, TRANSACTIONS, Table
from landing.errors import AsOfError
from settings import FIRST_DAY, LAST_DAY, Settings


@dataclass(frozen=True)
class Span:
    """First and newest transaction of a whole landing, as naive UTC instants."""

    first: datetime
    newest: datetime


@dataclass(frozen=True)
class Cutoff:
    """The day of a run.

    Attributes:
        as_of: The shop's calendar day.
        instant: Start of that day, in UTC.
    """

    as_of: date
    instant: datetime

    def filter_for(self, table: Table) -> str:
        """Return the SQL condition of rows known before the day.

        A row without its time is kept, so that the quality checks can count it.
        """
        if table.known_at_column is None:
            return "true"
        column = quote_identifier(table.known_at_column)
        if table is EVENTS:
            # greatest() ignores NULLs; a clock that runs ahead must not make an event known before it happened
            return f"(coalesce(greatest(received_at, occurred_at) < TIMESTAMP {quote_literal(self.instant)}, true))"
        if table is TRANSACTIONS:
            return f"({column} IS NULL OR {column} < TIMESTAMP {quote_literal(self.instant)})"
        if table is PROMOTIONS:
            last = self.as_of + timedelta(days=PROMOTIONS_PLANNED_DAYS)
            return f"({column} IS NULL OR {column} <= DATE {quote_literal(last)})"
        return f"({column} IS NULL OR {column} < DATE {quote_literal(self.as_of)})"


def day_after_newest(span: Span, timezone: str) -> date:
    """Return the day after the newest transaction, by the shop's calendar: a run of that day uses all transactions."""
    return local_day(span.newest, timezone) + timedelta(days=1)


def choose_cutoff(as_of: date | None, span: Span, settings: Settings, now: datetime) -> Cutoff:
    """Return the chosen day, or the day after the newest transaction.

    Args:
        as_of: The chosen day, or None.
        span: First and newest transaction of the landing.
        settings: Settings with the shop's time zone.
        now: The present instant, naive UTC.

    Raises:
        AsOfError: Nothing was known before that day; or no day was chosen and the newest transaction lies in the
            future, because one mistyped year would otherwise move the whole run.
    """
    newest_as_of = day_after_newest(span, settings.timezone)
    if as_of is not None and not FIRST_DAY <= as_of <= LAST_DAY:
        raise AsOfError(
            f"{as_of} is not a day that a run can have. Choose one until {newest_as_of}, which uses all transactions."
        )
    if as_of is None and span.newest > now:
        raise AsOfError(
            f"The newest transaction is of {span.newest} UTC, which is in the future. "
            "Correct the column 'transaction_at', or choose the day with --as-of."
        )
    cutoff = Cutoff(as_of or newest_as_of, settings.start_of_day(as_of or newest_as_of))
    if cutoff.instant <= span.first:
        first = local_day(span.first, settings.timezone)
        raise AsOfError(
            f"Before {cutoff.as_of} nothing is known: the transactions reach from {first} to "
            f"{newest_as_of - timedelta(days=1)}. Choose a day from {first + timedelta(days=1)} on; "
            f"{newest_as_of} uses them all."
        )
    return cutoff


def receipts_until(span: Span, settings: Settings, now: datetime) -> datetime:
    """Return the instant up to which receipts hold all purchases (naive UTC): just after the newest receipt.

    A newest receipt at midnight means that receipts have dates without times. Then it is the end of that day, or `now`
    if the day is not over.
    """
    after = day_after_newest(span, settings.timezone)
    if span.newest in (settings.start_of_day(after - timedelta(days=1)), datetime.combine(span.newest, time.min)):
        return min(settings.start_of_day(after), now)
    return span.newest + timedelta(microseconds=1)


def local_day(instant: datetime, timezone: str) -> date:
    """Return the calendar day of a naive UTC instant in a time zone."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()
