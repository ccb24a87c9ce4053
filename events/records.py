"""Define what the event log stores: events (what customers did) and decisions (what they were shown).

Times are naive UTC, as everywhere in Reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from core.clock import utc_now
from core.event_types import PURCHASE, RATING_FIELDS, event_types
from core.limits import MAX_PRICE, MAX_QUERY_CHARS, MAX_RATING, MAX_UNITS
from events.fields import ID, Id, TextId, UtcDatetime

Row = dict[str, Any]
"""A record as it is read: values by the column names of landing's contract."""


class MalformedEntry(NamedTuple):
    """An entry of the event log that cannot be read as rows: its stream, its text, and the reason."""

    stream: str
    text: str
    reason: str


Units = Annotated[float, Field(strict=True, gt=0, le=MAX_UNITS, allow_inf_nan=False)]
Money = Annotated[float, Field(strict=True, ge=0, le=MAX_PRICE, allow_inf_nan=False)]
Stars = Annotated[float, Field(strict=True, ge=-MAX_RATING, le=MAX_RATING, allow_inf_nan=False)]
Query = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARS, pattern=r"^[^\x00-\x1f\x7f]*$"),
]

STARS = f"a number from -{MAX_RATING:,} to {MAX_RATING:,}"


def _only(field: str) -> str:
    named = ", ".join(name for name, declared in event_types().types.items() if field in declared.needed)
    return f"needed by events of type {named}, null in others"


ONLY_RATED, ONLY_QUERIES = _only("rating"), _only("query")


def _known_type(name: str) -> str:
    if name not in event_types().types:
        raise ValueError("not one of the declared types of events")
    return name


EventTypeName = Annotated[
    str, AfterValidator(_known_type), WithJsonSchema({"type": "string", "enum": list(event_types().names)})
]
"""The name of a declared type (core/event_types.toml)."""


def _without_zone(value: datetime) -> datetime:
    return value.replace(tzinfo=None)


class Event(BaseModel):
    """One thing a customer did. An event that is sent twice under one `event_id` counts once: the first."""

    # Error messages must not repeat the input, because a customer id is personal data.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    event_id: Id = Field(
        description="The sender's id of the event; sending it again changes nothing. "
        f"Allowed: {ID}; another for each event."
    )
    customer_id: Id = Field(description=f"The customer. Allowed: {ID}.")
    event_type: EventTypeName = Field(
        description=f"The customer's action. Allowed: one of {', '.join(event_types().names)}."
    )
    product_id: Id | None = Field(
        None,
        description="The product; null only for a type that may be about none, such as a search without a click. "
        f"Allowed: {ID}.",
    )
    occurred_at: Annotated[UtcDatetime, AfterValidator(_without_zone)] = Field(
        description="When. Allowed: a time with its offset, as 2018-01-01T17:30:00Z, that has passed."
    )
    request_id: TextId | None = Field(
        None,
        description="The answer or the campaign's message that showed the product. Allowed: the request_id of an "
        "answer, the id of a message, or null.",
    )
    quantity: Units | None = Field(
        None, description=f"Units; 1 if absent. Allowed: a number above 0, at most {MAX_UNITS}, or null."
    )
    price: Money | None = Field(
        None,
        description=f"Price of one unit, in the shop's currency. Allowed: a number from 0 to {MAX_PRICE}, or null.",
    )
    rating_min: Stars | None = Field(
        None, description=f"The worst rating of the scale. Allowed: {STARS}; {ONLY_RATED}."
    )
    rating_max: Stars | None = Field(
        None, description=f"The best rating of the scale. Allowed: {STARS}, above rating_min; {ONLY_RATED}."
    )
    rating: Stars | None = Field(
        None,
        description=f"The customer's rating. Allowed: {STARS}, not outside rating_min and rating_max; {ONLY_RATED}.",
    )
    query: Query | None = Field(
        None,
        description="The words of a search; they are stored and never logged. "
        f"Allowed: a text of 1 to {MAX_QUERY_CHARS} characters without control characters; {ONLY_QUERIES}.",
    )

    @field_validator("product_id", "rating", "rating_min", "rating_max", "query")
    @classmethod
    def _fits_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a field that the event's type does not have, or lacks; `event_type` and a scale come before."""
        declared = event_types().types.get(info.data.get("event_type", ""))
        if declared is None or info.field_name is None:
            return value  # the type itself is refused
        if (value is None and info.field_name in declared.needed) or (
            value is not None and info.field_name in declared.unused
        ):
            raise ValueError("it does not fit the type of the event")
        low, high = info.data.get("rating_min"), info.data.get("rating_max")
        if value is not None and low is not None:
            if info.field_name == "rating_max" and value <= low:
                raise ValueError("the scale has no width")
            if info.field_name == "rating" and high is not None and not low <= value <= high:
                raise ValueError("it is not on its scale")
        return value

    def row(self, received_at: datetime) -> Row:
        """Return the event as it is stored: its fields, without those of other types, and when it arrived."""
        return _without_empty(self.model_dump()) | {"received_at": received_at}


class Purchase(NamedTuple):
    """One purchased product of a customer, from an event. `price` is for one unit, None if unknown."""

    event_id: str
    product_id: str
    occurred_at: datetime
    received_at: datetime
    quantity: float
    price: float | None


class Interaction(NamedTuple):
    """The newest event of one type of a customer about a product, other than a purchase.

    `rating` is a share of its scale, 0 (worst) to 1; None unless the type has ratings.
    """

    event_id: str
    event_type: str
    product_id: str
    occurred_at: datetime
    rating: float | None


class CustomerEvents(NamedTuple):
    """The recent events of a customer: purchases that no feature table contains yet, and interactions."""

    purchases: Sequence[Purchase] = ()
    interactions: Sequence[Interaction] = ()


def purchase_of(event: Event, received_at: datetime) -> Purchase | None:
    """Return the purchase that an event reports; None if it is of another type."""
    if event.event_type != PURCHASE or event.product_id is None:
        return None
    quantity = 1.0 if event.quantity is None else event.quantity
    return Purchase(event.event_id, event.product_id, event.occurred_at, received_at, quantity, event.price)


def interaction_of(event: Event) -> Interaction | None:
    """Return the interaction that an event reports; None if it is a purchase, or changes no list."""
    if event.product_id is None or not event_types().types[event.event_type].changes_lists:
        return None
    share = None
    if event.rating is not None and event.rating_min is not None and event.rating_max is not None:
        share = (event.rating - event.rating_min) / (event.rating_max - event.rating_min)
    return Interaction(event.event_id, event.event_type, event.product_id, event.occurred_at, share)


@dataclass(frozen=True)
class ShownItem:
    """One product of an answer.

    Attributes:
        product_id: The product.
        source: The candidate source that generated it.
        score: The ranker's score.
        propensity: The probability with which the policy showed this product here; None if it was not random.
    """

    product_id: str
    source: str
    score: float
    propensity: float | None = None


@dataclass(frozen=True)
class Exposure:
    """One experiment of the service that an answer belongs to.

    Attributes:
        experiment_id: The experiment.
        variant: The variant that the customer was assigned to, or that a tester chose.
        propensity: The probability of the variant among the experiment's customers.
        is_holdout: Whether the variant recommends nothing.
        is_override: Whether a tester chose the variant; such answers are left out of every analysis.
        served: The list's origin: the variant, or `champion` if the variant's version could not be.
    """

    experiment_id: str
    variant: str
    propensity: float
    is_holdout: bool = False
    is_override: bool = False
    served: Literal["variant", "champion"] = "variant"


@dataclass(frozen=True)
class Decision:
    """One answer: which customer was shown which products, by which version.

    Attributes:
        request_id: The answer's id, which events quote.
        customer_id: None if the request named no customer, such as one for similar items.
        slate: The list's purpose.
        model_version: The version that decided.
        fallback: Why the list is not the model's; None if it is.
        items: The products in the order shown.
        decided_at: When, in naive UTC.
        experiment_id: The experiment that the answer belongs to; None outside experiments. Of several, the first.
        variant: The variant of that experiment that the customer was assigned to.
        is_holdout: Whether the customer is in a holdout group; None outside experiments.
        exposures: Every experiment of the service that the answer belongs to.
    """

    request_id: str
    customer_id: str | None
    slate: str
    model_version: str
    fallback: str | None
    items: Sequence[ShownItem]
    decided_at: datetime = field(default_factory=utc_now)
    experiment_id: str | None = None
    variant: str | None = None
    is_holdout: bool | None = None
    exposures: Sequence[Exposure] = ()

    def rows(self) -> list[Row]:
        """Return one row per product, whose `position` counts from 1, and one per experiment, without a position.

        Empty fields of experiments are left out. An answer without products has rows of its experiments only.
        """
        common = _without_empty({name: value for name, value in vars(self).items() if name not in _SEQUENCES})
        shown = [
            common | {"position": position} | _without_empty(vars(item))
            for position, item in enumerate(self.items, start=1)
        ]
        answer = {name: common[name] for name in _OF_EXPOSURES} | {"shown": len(self.items)}
        return [*shown, *(answer | vars(exposure) for exposure in self.exposures)]


def is_exposure(row: Row) -> bool:
    """Return whether a row of a decision is about an experiment instead of a product."""
    return "position" not in row


_SEQUENCES = ("items", "exposures")
_OF_EXPOSURES = ("request_id", "customer_id", "slate", "fallback", "decided_at")
_LEFT_OUT = frozenset(("experiment_id", "variant", "propensity", "is_holdout", *RATING_FIELDS, "query"))


def _without_empty(fields: Row) -> Row:
    """Leave out empty fields of experiments, ratings and searches, so that other rows are stored as before."""
    return {name: value for name, value in fields.items() if value is not None or name not in _LEFT_OUT}
