"""What is journalled: events (what customers did) and decisions (what they were shown).

Times are naive UTC, as everywhere in Reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

EventType = Literal["purchase", "cart", "click", "view", "impression"]
EVENT_TYPES: tuple[str, ...] = get_args(EventType)

MAX_ID = 64
AHEAD = timedelta(minutes=5)
"""How far the sender's clock may be ahead of ours."""

Row = dict[str, Any]
"""A record as it is read: the columns of landing's contract by name."""


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _spell_whole_numbers(value: Any) -> Any:
    """Many shops number their customers and products; 1250 and "1250" are one."""
    return str(value) if type(value) is int else value


def _only_text(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise ValueError("a time is ISO 8601 text")  # a number could mean seconds or milliseconds
    return value


def _as_utc(value: datetime) -> datetime:
    try:
        instant = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError("the time lies outside the calendar") from error
    if instant > utc_now() + AHEAD:
        raise ValueError("the time lies in the future")
    return instant


Id = Annotated[str, BeforeValidator(_spell_whole_numbers), Field(min_length=1, max_length=MAX_ID)]
Instant = Annotated[datetime, BeforeValidator(_only_text), AfterValidator(_as_utc)]


class Event(BaseModel):
    """One thing a customer did. What is sent twice under one `event_id` counts once: the first."""

    # Messages must not repeat what was sent: a customer id is personal data.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    event_id: Id = Field(description="The sender's id of the event; sending it again changes nothing.")
    customer_id: Id = Field(description="Who did it.")
    product_id: Id = Field(description="With which product.")
    event_type: EventType = Field(description="What was done.")
    occurred_at: Instant = Field(description="When, as ISO 8601 text; without a zone it is UTC.")
    request_id: Annotated[str, Field(min_length=1, max_length=MAX_ID)] | None = Field(
        None, description="The answer of the service that had shown the product, if one had."
    )
    quantity: float | None = Field(None, gt=0, le=100_000, allow_inf_nan=False, description="Units; 1 if absent.")
    price: float | None = Field(
        None, ge=0, le=10_000_000, allow_inf_nan=False, description="Money paid for one unit, in the shop's currency."
    )

    def row(self, received_at: datetime) -> Row:
        """The event as it is journalled: its fields and when it arrived."""
        return self.model_dump() | {"received_at": received_at}


class Purchase(NamedTuple):
    """One bought line of a customer, from an event. `price` is for one unit, None if unknown."""

    event_id: str
    product_id: str
    occurred_at: datetime
    received_at: datetime
    quantity: float
    price: float | None


def purchase_of(event: Event, received_at: datetime) -> Purchase:
    """The line that an event of type purchase stands for."""
    quantity = 1.0 if event.quantity is None else event.quantity
    return Purchase(event.event_id, event.product_id, event.occurred_at, received_at, quantity, event.price)


@dataclass(frozen=True)
class Shown:
    """One product of an answer: the candidate source that brought it in, and the ranker's score."""

    product_id: str
    source: str
    score: float


@dataclass(frozen=True)
class Decision:
    """One answer: who was shown what, by which version. `items` are in the order shown."""

    request_id: str
    customer_id: str
    slate: str
    model_version: str
    fallback: str | None
    items: Sequence[Shown]
    decided_at: datetime = field(default_factory=utc_now)

    def rows(self) -> list[Row]:
        """One row a product shown; `position` counts from 1."""
        common = {name: value for name, value in vars(self).items() if name != "items"}
        return [common | {"position": place} | vars(item) for place, item in enumerate(self.items, start=1)]
