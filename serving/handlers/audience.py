"""Answer `POST /audience`: the customers to reach for products, a category, a coupon, or like given customers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pyarrow.parquet as pq
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from customer_scores.errors import ScoresNotPublishedError as NothingPublishedError
from events.fields import Id, without_fraction
from marketing.audience.audience import Audience, Limits, audience, look_alikes
from marketing.audience.curve import Reach
from marketing.audience.question import Buyers, Items, category_items, coupon_items, product_items
from marketing.errors import MarketingError, ScoresError
from serving.api.schemas import MAX_CATEGORY_CHARS, Category, UnitInterval
from serving.api.validation import ApiRequest
from serving.customer_state.published_scores import OpenedScores
from serving.errors import NoAudienceError, ProfilesUnavailableError, ScoresNotPublishedError
from serving.handlers.profile import NOT_PUBLISHED

MAX_SIZE = 10_000
"""Customers in one answer; `python -m marketing audience` writes larger audiences to a file."""

MAX_IDS = 1_000
TASTE = "taste.parquet"

Size = Annotated[int, Field(strict=True, ge=1, le=MAX_SIZE), BeforeValidator(without_fraction)]


class AudienceRequest(ApiRequest):
    """Ask for customers. The answer is personal data, so a key needs the scope `marketing`."""

    SCOPE: ClassVar = "marketing"
    USES_SCORING_SLOT: ClassVar = False
    MAX_BYTES: ClassVar = 655_360
    ERRORS: ClassVar = (NoAudienceError, ProfilesUnavailableError)
    EXAMPLE: ClassVar = {"kind": "category", "ids": ["SOFT DRINKS"], "buyers": "new", "size": 100}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    kind: Literal["category", "product", "coupon", "customer"] = Field(
        description="The kind of the ids. Customers: their look-alikes are asked for. "
        "Allowed: 'category', 'product', 'coupon' or 'customer'."
    )
    ids: list[Id | Category] = Field(
        min_length=1,
        max_length=MAX_IDS,
        description="Names of categories, or ids of products, coupons or customers, asked for together. "
        f"Allowed: 1 to {MAX_IDS} names or ids, each of 1 to {MAX_CATEGORY_CHARS} characters.",
    )
    buyers: Buyers = Field(
        Buyers.BOTH, description="Past buyers, new buyers, or both. Allowed: 'past', 'new' or 'both'."
    )
    size: Size = Field(100, description=f"Customers at most. Allowed: a whole number from 1 to {MAX_SIZE}.")
    min_probability: UnitInterval = Field(
        0.0, description="Only customers with at least this probability. Allowed: a number from 0 to 1."
    )


class AudienceCustomer(BaseModel):
    """Name one customer of an audience."""

    customer_id: str = Field(description="The shop's id of the customer.")
    score: float = Field(description="The probability of buying, or the similarity to the given customers.")
    bought_before: bool = Field(description="Whether the customer ever bought one of the items.")


class ReachedBuyers(BaseModel):
    """Estimate the buyers among the first customers of an audience."""

    share: float = Field(description="The share of the customers who can be reached.")
    customers: int = Field(description="How many customers that is.")
    expected_buyers: float = Field(description="The sum of their probabilities.")
    low: float = Field(description="Lower end of the 95% interval of the number of buyers.")
    high: float = Field(description="Upper end.")


class LeftOutCustomers(BaseModel):
    """Count the customers who are left out for one reason."""

    reason: str = Field(description="The reason.")
    customers: int = Field(description="How many customers.")


class AudienceResponse(BaseModel):
    """Return an audience, those to reach first first."""

    as_of: date = Field(description="The scores count events before this day.")
    model_version: str = Field(description="The version of the customer model that scored.")
    name: str = Field(description="The items in words.")
    score: str = Field(description="The kind of score: probability (of buying within the horizon) or similarity.")
    horizon_weeks: int = Field(description="The probabilities are of buying within this many weeks.")
    reachable: int = Field(description="Customers before the limits of size and probability.")
    expected: ReachedBuyers | None = Field(description="The buyers expected in this audience; null for look-alikes.")
    curve: list[ReachedBuyers] = Field(description="The buyers expected at several sizes; empty for look-alikes.")
    left_out: list[LeftOutCustomers] = Field(description="The customers left out, by reason.")
    unknown_product_ids: list[str] = Field(description="Products that no customer ever bought.")
    warnings: list[str] = Field(description="How far the probabilities can be trusted, in sentences.")
    customers: list[AudienceCustomer] = Field(description="The customers, those to reach first first.")


class AudienceHandler:
    """Answer requests for audiences from the published scores, by the functions of `python -m marketing audience`.

    Args:
        scores: Returns the opened publication.
        coupons: The admitted table of coupons.
    """

    def __init__(self, scores: Callable[[], OpenedScores], coupons: Path):
        self._scores = scores
        self._coupons = coupons
        # One thread: an audience is arithmetic over all customers, and lists must not wait for several at once.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audience")

    async def audience(self, body: AudienceRequest) -> AudienceResponse:
        """Return an audience.

        Raises:
            NoAudienceError: The question cannot be answered; the message names the value and near ones.
            ScoresNotPublishedError: The customers were never scored.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, body)

    def _answer(self, body: AudienceRequest) -> AudienceResponse:
        try:
            scores = self._scores()
            limits = Limits(body.buyers, body.size, body.min_probability or None)
            if body.kind == "customer":
                file = scores.folder / TASTE
                taste = pq.read_table(file) if file.exists() else None
                return _response(scores, look_alikes(scores.index, body.ids, taste, limits), [])
            items = self._items(scores, body)
            return _response(scores, audience(scores.index, scores.model, items, limits), list(items.unsold))
        except NothingPublishedError as error:
            raise ScoresNotPublishedError(NOT_PUBLISHED) from error
        except ScoresError as error:
            raise ProfilesUnavailableError(f"The published scores hold no audiences. {error}") from error
        except MarketingError as error:
            raise NoAudienceError(str(error)) from error

    def _items(self, scores: OpenedScores, body: AudienceRequest) -> Items:
        if body.kind == "product":
            return product_items(scores.index, body.ids)
        if body.kind == "category":
            found = [category_items(scores.index, name) for name in body.ids]
        else:
            found = [coupon_items(scores.index, self._coupons, coupon_id) for coupon_id in body.ids]
        return found[0] if len(found) == 1 else _together(found)


def _together(found: list[Items]) -> Items:
    rows = sorted({row for items in found for row in items.rows})
    unsold = sorted({product_id for items in found for product_id in items.unsold})
    return Items(found[0].kind, rows, " and ".join(items.name for items in found[:3]), unsold)


def _response(scores: OpenedScores, found: Audience, unsold: list[str]) -> AudienceResponse:
    rows = zip(found.customer_ids.to_pylist(), found.scores.tolist(), found.is_past.tolist(), strict=True)
    part = scores.publication.parts["audiences"]
    return AudienceResponse(
        as_of=part.as_of,
        model_version=part.model_version,
        name=found.name,
        score=found.score_name,
        horizon_weeks=scores.model.horizon_weeks,
        reachable=found.reachable,
        expected=None if found.total is None else _reached(found.total),
        curve=[_reached(point) for point in found.curve],
        left_out=[LeftOutCustomers(reason=part.reason, customers=part.customers) for part in found.left_out],
        unknown_product_ids=unsold,
        warnings=list(found.warnings),
        customers=[
            AudienceCustomer(customer_id=customer_id, score=score, bought_before=is_past)
            for customer_id, score, is_past in rows
        ],
    )


def _reached(point: Reach) -> ReachedBuyers:
    return ReachedBuyers(**{name: getattr(point, name) for name in ReachedBuyers.model_fields})
