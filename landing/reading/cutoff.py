"""What was known before `as_of`: the one rule of time, a condition a table."""

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
class Cut:
    """The day a run takes place: `as_of`, the shop's calendar day, and `instant`, when it starts in UTC."""

    as_of: date
    instant: datetime

    def known(self, table: Table) -> str:
        """An SQL condition; a row without its time stays, for the quality checks to name it."""
        if table.known is None:
            return "true"
        column = quote_identifier(table.known)
        if table is EVENTS:
            # greatest() passes over NULLs; a clock that runs ahead does not make an event known before it was done
            return f"(coalesce(greatest(received_at, occurred_at) < TIMESTAMP {quote_literal(self.instant)}, true))"
        if table is TRANSACTIONS:
            return f"({column} IS NULL OR {column} < TIMESTAMP {quote_literal(self.instant)})"
        if table is PROMOTIONS:
            last = self.as_of + timedelta(days=PROMOTIONS_PLANNED_DAYS)
            return f"({column} IS NULL OR {column} <= DATE {quote_literal(last)})"
        return f"({column} IS NULL OR {column} < DATE {quote_literal(self.as_of)})"


def day_after_newest(span: Span, timezone: str) -> date:
    """The day after the newest transaction, by the shop's calendar: a run of that day uses all of them."""
    return local_day(span.newest, timezone) + timedelta(days=1)


def choose_cut(as_of: date | None, span: Span, settings: Settings, now: datetime) -> Cut:
    """The chosen day, or the day after the newest transaction; `now` is naive UTC.

    Raises AsOfError if nothing was known before that day, or if none was chosen and the newest transaction
    lies in the future: one mistyped year would otherwise move the whole run.
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
    cut = Cut(as_of or newest_as_of, settings.start_of_day(as_of or newest_as_of))
    if cut.instant <= span.first:
        first = local_day(span.first, settings.timezone)
        raise AsOfError(
            f"Before {cut.as_of} nothing is known: the transactions reach from {first} to "
            f"{newest_as_of - timedelta(days=1)}. Choose a day from {first + timedelta(days=1)} on; "
            f"{newest_as_of} uses them all."
        )
    return cut


def receipts_until(span: Span, settings: Settings, now: datetime) -> datetime:
    """The instant up to which purchases are on receipts (naive UTC): behind the newest of them.

    A newest receipt of midnight means that the receipts know days only: then it is the end of that day, or `now` if
    the day is not over.
    """
    after = day_after_newest(span, settings.timezone)
    if span.newest in (settings.start_of_day(after - timedelta(days=1)), datetime.combine(span.newest, time.min)):
        return min(settings.start_of_day(after), now)
    return span.newest + timedelta(microseconds=1)


def local_day(instant: datetime, timezone: str) -> date:
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()
