"""Define the requests and answers of the list endpoints.

A field is declared once: its `description` ends with "Allowed: …", from which the messages about wrong requests
(serving/api/validation.py) and the OpenAPI document (serving/api/openapi.py) are made.
"""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from events.fields import ID, Id, UtcDatetime, without_fraction
from scoring.fallback import Fallback
from scoring.request import RecommendationRequest
from scoring.reranking.business_rules import BusinessRules
from serving.api.validation import ApiRequest
from serving.errors import UnknownProductError, UnknownVariantError

MAX_COUNT = 100
MAX_CATEGORY_CHARS = 100
MAX_EXCLUDED = 200
MAX_CATEGORIES = 50
MAX_BASKET = 100
MAX_OVERRIDES = 10

COUNT = f"a whole number from 1 to {MAX_COUNT}"
IDS = f"product ids, each {ID}"
CATEGORIES = f"at most {MAX_CATEGORIES} names of categories, each of 1 to {MAX_CATEGORY_CHARS} characters"

Count = Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT), BeforeValidator(without_fraction)]
"""A length: no digits in quotes, no boolean. The bounds stand here, because pydantic leaves those that are put on
`Count | None` from outside out of the schema."""

UnitInterval = Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)]
Category = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CATEGORY_CHARS)]
Slate = Literal["all", "explore"]


class WithBusinessRules(ApiRequest):
    """Accept what every request for a list takes: the shop's business rules, and whether the list is shown.

    A list is short if the rules leave fewer products than asked for.
    """

    MAX_BYTES: ClassVar = 163_840

    exclude: list[Id] = Field(
        [],
        max_length=MAX_EXCLUDED,
        description=f"Products that are never shown. Allowed: at most {MAX_EXCLUDED} {IDS}.",
    )
    include_categories: list[Category] = Field(
        [],
        max_length=MAX_CATEGORIES,
        description=f"If any, only products of these categories. Allowed: {CATEGORIES}.",
    )
    exclude_categories: list[Category] = Field(
        [], max_length=MAX_CATEGORIES, description=f"No products of these categories. Allowed: {CATEGORIES}."
    )
    max_per_category: Count | None = Field(
        None,
        description="How many products of one category a list holds at most; products without a category are not "
        f"counted. Allowed: {COUNT}, or null.",
    )
    diversity: UnitInterval = Field(
        0.0,
        description="How far to go from the most relevant list, 0, to the most diverse one, 1. A higher number never "
        "gives a less diverse list. Allowed: a number from 0 to 1.",
    )
    preview: bool = Field(
        False,
        strict=True,
        description="Whether the customer does not see the list, because it is for staff. The decision log does not "
        "get a preview, so it does not count in the rates of clicks. Allowed: true or false.",
    )

    def business_rules(self) -> BusinessRules:
        """Return the rules as the recommender takes them."""
        return BusinessRules(
            exclude=frozenset(self.exclude),
            include_categories=frozenset(self.include_categories),
            exclude_categories=frozenset(self.exclude_categories),
            max_per_category=self.max_per_category,
            diversity=self.diversity,
        )


class Context(BaseModel):
    """Describe the moment of a request: the time, and what is in the basket."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    time: UtcDatetime | None = Field(
        None,
        description="The time for which the customer's features are computed. Null: the time of the features, and "
        "later purchases count as made just now. "
        "Allowed: a time with its offset, as 2018-01-01T17:30:00Z, or null.",
    )
    basket: list[Id] = Field(
        [],
        max_length=MAX_BASKET,
        description="Products in the basket: they count as bought now and are not recommended. "
        f"Allowed: at most {MAX_BASKET} {IDS}.",
    )


class CustomerRequest(WithBusinessRules):
    """Accept what every request about a customer takes."""

    customer_id: Id = Field(description=f"The shop's id of the customer. Allowed: {ID}.")
    slate: Slate = Field(
        "all",
        description="The purpose of the list. Allowed: 'all' (what the customer will buy next) or 'explore' (only "
        "products never bought before).",
    )
    context: Context = Field(
        default_factory=Context,
        description="The moment of the request. Allowed: an object with any of time and basket.",
    )

    def _request(self, k: int, restrict_to: tuple[str, ...] | None = None) -> RecommendationRequest:
        """Return the request as the recommender takes it. The context is read here only."""
        basket = tuple(dict.fromkeys(self.context.basket))
        rules, time = self.business_rules(), self.context.time
        return RecommendationRequest(
            slate=self.slate,
            k=k,
            rules=replace(rules, exclude=rules.exclude | frozenset(basket)) if basket else rules,
            restrict_to=restrict_to,
            customer_id=self.customer_id,
            time=None if time is None else time.replace(tzinfo=None),
            basket=basket,
        )


class RecommendRequest(CustomerRequest):
    """Ask for the best products for a customer."""

    EXAMPLE: ClassVar = {"customer_id": "1250", "slate": "all", "k": 3}
    ERRORS: ClassVar = (UnknownVariantError,)

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    k: Count = Field(10, description=f"Length of the list. Allowed: {COUNT}.")
    variants: dict[str, str] = Field(
        {},
        max_length=MAX_OVERRIDES,
        description="For testers: variants by experiment, instead of the customer's own; such answers are in no "
        f"analysis, and an API key needs the scope testing. Allowed: at most {MAX_OVERRIDES} names of announced "
        "experiments, each with the name of one of its variants.",
    )

    def recommendation_request(self) -> RecommendationRequest:
        """Return the request as the recommender takes it."""
        return self._request(self.k)

    def further_scopes(self) -> frozenset[str]:
        """Return the scope of testers, if the request chooses variants."""
        return frozenset({"testing"} if self.variants else ())


class RerankRequest(CustomerRequest):
    """Ask for given products in a customer's order."""

    EXAMPLE: ClassVar = {"customer_id": "1250", "product_ids": ["1082185", "1029743", "995242"]}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    product_ids: list[Id] = Field(
        min_length=1,
        max_length=MAX_COUNT,
        description=f"The products to rank, and no others. Allowed: 1 to {MAX_COUNT} {IDS}.",
    )
    k: Count | None = Field(None, description=f"Length of the list. Allowed: {COUNT}, or null for all of them.")

    def recommendation_request(self) -> RecommendationRequest:
        """Return the request as the recommender takes it: restricted to the given products."""
        product_ids = tuple(dict.fromkeys(self.product_ids))
        return self._request(self.k or len(product_ids), product_ids)


class SimilarItemsRequest(WithBusinessRules):
    """Ask for products like one product."""

    EXAMPLE: ClassVar = {"product_id": "1082185", "k": 3}
    ERRORS: ClassVar = (UnknownProductError,)

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    product_id: Id = Field(description=f"The product to find others for. Allowed: {ID}.")
    k: Count = Field(10, description=f"Length of the list. Allowed: {COUNT}.")


class RecommendedItem(BaseModel):
    """Describe one product of a list."""

    product_id: str = Field(description="The shop's id of the product.")
    name: str | None = Field(description="The product's name; null if it has none.")
    category: str | None = Field(description="The category that business rules refer to; null if the product has none.")
    score: float = Field(description="The list is ordered by it; comparable within one answer only.")
    source: str = Field(description="The candidate source of the product, or 'request'.")
    reason: str = Field(description="A sentence for the customer, from the customer's own purchases where possible.")


class ServedVariant(BaseModel):
    """Describe an experiment of the service that an answer belongs to."""

    experiment_id: str = Field(description="The experiment.")
    variant: str = Field(description="The variant that the customer was assigned to, or that a tester chose.")
    served: Literal["variant", "champion"] = Field(
        description="'champion' if the variant's version could not be served, and the champion answered instead."
    )
    is_override: bool = Field(description="Whether a tester chose the variant; then no analysis counts the answer.")


class RecommendResponse(BaseModel):
    """Return a ranked list, best product first, and the version that made it."""

    request_id: str = Field(description="The id of this answer in logs and feedback.")
    model_version: str = Field(description="Version of the bundle that answered.")
    as_of: date = Field(description="The bundle was trained on data from before this day.")
    fallback: Fallback | None = Field(
        description="Why the list is not the model's, or is made from older features; null for a list of the model "
        "from current features."
    )
    experiments: list[ServedVariant] = Field(
        [],
        description="The experiments that the answer belongs to. With the fallback 'holdout' the list is empty on "
        "purpose: show no recommendation then, also not from elsewhere.",
    )
    missing_items: int = Field(
        0,
        description="How many products fewer than k the list has: by the rules, or age-restricted.",
    )
    unknown_product_ids: list[str] = Field(
        [], description="Products of the request that this version does not contain."
    )
    unknown_categories: list[str] = Field(
        [], description="Categories of the request that this version does not contain."
    )
    items: list[RecommendedItem] = Field(description="The products, best first.")
