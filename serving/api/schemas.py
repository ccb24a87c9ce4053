"""What the questions take and what they give: one grammar, whatever is asked."""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from scoring.reranking.business_rules import BusinessRules
from serving.api.fields import ID, MAX_COUNT, Count, Id, Moment, UnitInterval
from serving.api.validation import ApiRequest
from serving.errors import UnknownProductError

MAX_CATEGORY = 100
MAX_EXCLUDED = 200
MAX_CATEGORIES = 50
MAX_BASKET = 100

_IDS = f"product ids, each {ID}"
_CATEGORIES = f"at most {MAX_CATEGORIES} names of categories, each of 1 to {MAX_CATEGORY} characters"
_K = f"a whole number from 1 to {MAX_COUNT}"
_SLATE = "'all' (what the customer will buy next) or 'explore' (only products never bought before)"
_RULES = {
    "exclude": f"at most {MAX_EXCLUDED} {_IDS}",
    "include_categories": _CATEGORIES,
    "exclude_categories": _CATEGORIES,
    "max_per_category": f"{_K}, or null",
    "diversity": "a number from 0 to 1",
}
_CONTEXT = {
    "context": "an object with any of time and basket",
    "context.time": "a time with its offset, as 2018-01-01T17:30:00Z, or null",
    "context.basket": f"at most {MAX_BASKET} {_IDS}",
}


Category = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CATEGORY)]
Slate = Literal["all", "explore"]


class WithBusinessRules(ApiRequest):
    """What every question takes: the shop's rules. If they leave fewer products than asked for, the list is short."""

    MAX_BYTES: ClassVar = 163_840

    exclude: list[Id] = Field(
        [], max_length=MAX_EXCLUDED, description=f"Products never to be shown: {_RULES['exclude']}."
    )
    include_categories: list[Category] = Field(
        [], max_length=MAX_CATEGORIES, description=f"If any, only products of these: {_CATEGORIES}."
    )
    exclude_categories: list[Category] = Field(
        [], max_length=MAX_CATEGORIES, description=f"No products of these: {_CATEGORIES}."
    )
    max_per_category: Count | None = Field(
        None,
        description="At most so many products of a category; those without a category are not counted. "
        f"Allowed: {_RULES['max_per_category']}.",
    )
    diversity: UnitInterval = Field(
        0.0,
        description="How far to go from the most relevant list, 0, to the most diverse one, 1. A higher number never "
        f"gives a less diverse list. Allowed: {_RULES['diversity']}.",
    )

    def rules(self) -> BusinessRules:
        """The rules as the recommender takes them."""
        return BusinessRules(
            exclude=frozenset(self.exclude),
            include_categories=frozenset(self.include_categories),
            exclude_categories=frozenset(self.exclude_categories),
            max_per_category=self.max_per_category,
            diversity=self.diversity,
        )


class Context(BaseModel):
    """The moment a customer is asked about: when, and with what in the basket."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    time: Moment | None = Field(
        None,
        description="When: everything known of the customer is aged to it. Null: the moment of the features, and what "
        f"was bought since was bought just now. Allowed: {_CONTEXT['context.time']}.",
    )
    basket: list[Id] = Field(
        [],
        max_length=MAX_BASKET,
        description="Products in the basket so far: they count as bought now and are not recommended. "
        f"Allowed: {_CONTEXT['context.basket']}.",
    )


class CustomerRequest(WithBusinessRules):
    """What questions about a customer take."""

    customer_id: Id = Field(description=f"The shop's id of the customer: {ID}.")
    slate: Slate = Field("all", description=f"The list's purpose: {_SLATE}.")
    context: Context = Field(default_factory=Context, description="The moment: when, and with what in the basket.")

    def rules(self) -> BusinessRules:
        """What lies in the basket is not recommended."""
        rules = super().rules()
        return replace(rules, exclude=rules.exclude | frozenset(self.context.basket)) if self.context.basket else rules


class RecommendRequest(CustomerRequest):
    """Which customer, which slate, how many products, under which rules."""

    FIELD_HELP: ClassVar = {"customer_id": ID, "slate": _SLATE, "k": _K} | _RULES | _CONTEXT
    EXAMPLE: ClassVar = {"customer_id": "1250", "slate": "all", "k": 3}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    k: Count = Field(10, description=f"Length of the list: {_K}.")


class RerankRequest(CustomerRequest):
    """Which products to put in a customer's order."""

    FIELD_HELP: ClassVar = (
        {
            "customer_id": ID,
            "product_ids": f"1 to {MAX_COUNT} {_IDS}",
            "slate": _SLATE,
            "k": f"{_K}, or null for all of them",
        }
        | _RULES
        | _CONTEXT
    )
    EXAMPLE: ClassVar = {"customer_id": "1250", "product_ids": ["1082185", "1029743", "995242"]}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    product_ids: list[Id] = Field(
        min_length=1,
        max_length=MAX_COUNT,
        description=f"The products to rank, and no others: {FIELD_HELP['product_ids']}.",
    )
    k: Count | None = Field(None, description=f"Length of the list: {FIELD_HELP['k']}.")


class SimilarItemsRequest(WithBusinessRules):
    """Which product, how many others, under which rules."""

    FIELD_HELP: ClassVar = {"product_id": ID, "k": _K} | _RULES
    EXAMPLE: ClassVar = {"product_id": "1082185", "k": 3}
    ERRORS: ClassVar = (UnknownProductError,)

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    product_id: Id = Field(description=f"The product to find others for: {ID}.")
    k: Count = Field(10, description=f"Length of the list: {_K}.")


class RecommendedItem(BaseModel):
    """One product of the list."""

    product_id: str = Field(description="The shop's id of the product.")
    name: str | None = Field(description="The product's name; null if it has none.")
    category: str | None = Field(description="The category that rules speak of; null if the product has none.")
    score: float = Field(description="What the list is ordered by: comparable within one answer only.")
    source: str = Field(description="The candidate source that brought the product in, or 'request'.")
    reason: str = Field(
        description="A sentence for the customer, from the customer's own purchases if they speak for it."
    )


Fallback = Literal[
    "unknown_customer", "empty_history", "features_unavailable", "cached_features", "stale_features", "baseline"
]


class RecommendResponse(BaseModel):
    """A ranked list, best first, and which version made it."""

    request_id: str = Field(description="Names this answer in logs and feedback.")
    model_version: str = Field(description="Version of the bundle that answered.")
    as_of: date = Field(description="The bundle knows what was known before this day.")
    fallback: Fallback | None = Field(
        description="Why the list is not the model's, or rests on older features; null if neither is so."
    )
    missing_items: int = Field(0, description="How many products are missing from k, because the rules leave no more.")
    unknown_product_ids: list[str] = Field([], description="Products of the request that this version does not know.")
    unknown_categories: list[str] = Field([], description="Categories of the request that this version does not know.")
    items: list[RecommendedItem] = Field(description="The products, best first.")
