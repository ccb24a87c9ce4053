"""Read the types of events, and how each changes the next list: `event_types.toml`."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.toml.model import read_toml

PACKAGED = Path(__file__).with_name("event_types.toml")

PURCHASE = "purchase"
"""The type that changes a customer's features; the file alone defines every other one."""

RATING_FIELDS = ("rating", "rating_min", "rating_max")
"""The fields of a rating and its scale."""

Weight = Annotated[float, Field(ge=0.0, le=1.0)]
TypeName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]


class EventType(BaseModel):
    """One type of event; `event_types.toml` explains each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(min_length=1)
    product: Literal["required", "optional"] = "required"
    rating: bool = False
    query: bool = False
    cart: Literal["adds", "removes"] | None = None
    verb: str = ""
    days: float = Field(7.0, gt=0)
    half_life_hours: float = Field(24.0, gt=0)
    history: Weight = 0.0
    itself: Weight = 0.0
    similar: Weight = 0.0
    together: Weight = 0.0

    @property
    def is_interest(self) -> bool:
        """Whether an event of this type shows an interest in its product."""
        return max(self.history, self.itself, self.similar, self.together) > 0

    @property
    def changes_lists(self) -> bool:
        """Whether the event is kept with its customer, because it changes the next list."""
        return self.is_interest or self.cart is not None or self.rating

    @cached_property
    def needed(self) -> frozenset[str]:
        """The optional fields that an event of this type must have."""
        return frozenset(
            (["product_id"] if self.product == "required" else [])
            + (list(RATING_FIELDS) if self.rating else [])
            + (["query"] if self.query else [])
        )

    @cached_property
    def unused(self) -> frozenset[str]:
        """The optional fields that an event of this type must not have."""
        return frozenset({*RATING_FIELDS, "query"} - self.needed)

    @model_validator(mode="after")
    def _has_a_verb(self) -> "EventType":
        if self.is_interest and not self.verb:
            raise ValueError("a type with weights needs a verb, because reasons of lists name it")
        return self


class RecentWeights(BaseModel):
    """How much recent events count together; `event_types.toml` explains each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    products: int = Field(ge=1, le=500)
    rank_discount: float = Field(gt=0, le=1)
    boost: float = Field(ge=0)
    low: float = Field(ge=0, lt=1)
    high: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _is_in_order(self) -> "RecentWeights":
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self


class EventTypes(BaseModel):
    """All types by their names, in the order of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recent: RecentWeights
    types: Mapping[TypeName, EventType]

    @model_validator(mode="after")
    def _has_purchases(self) -> "EventTypes":
        bought = self.types.get(PURCHASE)
        if bought is None or bought.changes_lists:
            raise ValueError(f"[types.{PURCHASE}] must be there without weights, because features count it")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the types."""
        return tuple(self.types)

    @property
    def longest(self) -> timedelta:
        """The longest time for which an event changes lists."""
        return timedelta(days=max(each.days for each in self.types.values()))


@cache
def event_types() -> EventTypes:
    """Return the types of this installation.

    Raises:
        ValueError: The file is not readable or not valid; the message names the cause.
    """
    return read_toml(PACKAGED, EventTypes, ValueError)
