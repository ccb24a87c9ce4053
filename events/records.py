"""What is journalled: events (what customers did) and decisions (what they were shown).

Times are naive UTC, as everywhere in Reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.clock import utc_now
from core.limits import MAX_PRICE, MAX_UNITS
from events.fields import ID, Id, Moment, TextId

EventType = Literal["purchase", "cart", "click", "view", "impression"]
EVENT_TYPES: tuple[str, ...] = get_args(EventType)

Row = dict[str, Any]
"""A record as it is read: the columns of landing's contract by name."""


class Broken(NamedTuple):
    """An entry of the journal that is not rows: of which stream, its text, and what is wrong with it."""

    stream: str
    text: str
    reason: str


Units = Annotated[float, Field(strict=True, gt=0, le=MAX_UNITS, allow_inf_nan=False)]
Money = Annotated[float, Field(strict=True, ge=0, le=MAX_PRICE, allow_inf_nan=False)]


def _without_zone(value: datetime) -> datetime:
    return value.replace(tzinfo=None)


class Event(BaseModel):
    """One thing a customer did. What is sent twice under one `event_id` counts once: the first."""

    # Messages must not repeat what was sent: a customer id is personal data.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    event_id: Id = Field(
        description="The sender's id of the event; sending it again changes nothing. "
        f"Allowed: {ID}; another for each event."
    )
    customer_id: Id = Field(description=f"The customer. Allowed: {ID}.")
    product_id: Id = Field(description=f"The product. Allowed: {ID}.")
    event_type: EventType = Field(description=f"What the customer did. Allowed: one of {', '.join(EVENT_TYPES)}.")
    occurred_at: Annotated[Moment, AfterValidator(_without_zone)] = Field(
        description="When. Allowed: a time with its offset, as 2018-01-01T17:30:00Z, that has passed."
    )
    request_id: TextId | None = Field(
        None,
        description="The answer of the service that showed the product. Allowed: the request_id of an answer, or null.",
    )
    quantity: Units | None = Field(
        None, description=f"Units; 1 if absent. Allowed: a number above 0, at most {MAX_UNITS}, or null."
    )
    price: Money | None = Field(
        None,
        description=f"Price of one unit, in the shop's currency. Allowed: a number from 0 to {MAX_PRICE}, or null.",
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
    """One answer: who was shown what, by which version. `items` are in the order shown.

    customer_id: None if the request named no customer, as one for similar items.
    """

    request_id: str
    customer_id: str | None
    slate: str
    model_version: str
    fallback: str | None
    items: Sequence[Shown]
    decided_at: datetime = field(default_factory=utc_now)

    def rows(self) -> list[Row]:
        """One row a product shown; `position` counts from 1."""
        common = {name: value for name, value in vars(self).items() if name != "items"}
        return [common | {"position": place} | vars(item) for place, item in enumerate(self.items, start=1)]
