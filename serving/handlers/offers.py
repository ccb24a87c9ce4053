"""Answer `POST /offers`: the coupons to offer one customer within a budget."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from customer_scores.errors import ScoresNotPublishedError as NothingPublishedError
from customer_scores.publication import current_publication
from events.fields import ID, Id, without_fraction
from marketing.errors import MarketingError, ScoresError
from marketing.offers.ranking import offers_for
from serving.api.validation import ApiRequest
from serving.errors import NoOffersError, ProfilesUnavailableError, ScoresNotPublishedError
from serving.handlers.profile import NOT_PUBLISHED

MAX_OFFERS, MAX_BUDGET = 20, 1_000_000.0

Offers = Annotated[int, Field(strict=True, ge=1, le=MAX_OFFERS), BeforeValidator(without_fraction)]
Budget = Annotated[float, Field(strict=True, ge=0, le=MAX_BUDGET, allow_inf_nan=False)]


class OffersRequest(ApiRequest):
    """Ask for a customer's offers. They are personal data, so a key needs the scope `marketing`."""

    SCOPE: ClassVar = "marketing"
    USES_SCORING_SLOT: ClassVar = False
    ERRORS: ClassVar = (
        NoOffersError,
        ProfilesUnavailableError,
    )
    EXAMPLE: ClassVar = {"customer_id": "1250", "budget": 5.0, "k": 3}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    customer_id: Id = Field(description=f"The shop's id of the customer. Allowed: {ID}.")
    budget: Budget = Field(
        description="The money that all offered coupons may cost; without effect, and with a warning, if no coupon's "
        f"worth is known. Allowed: a number from 0 to {MAX_BUDGET:.0f}."
    )
    k: Offers = Field(3, description=f"Offers at most. Allowed: a whole number from 1 to {MAX_OFFERS}.")


class Offer(BaseModel):
    """Describe one coupon that is worth offering."""

    campaign_id: str = Field(description="The campaign of the coupon.")
    coupon_id: str = Field(description="The coupon.")
    probability: float = Field(description="The probability that the customer redeems it.")
    is_new: bool = Field(
        description="Whether the customer did not buy its products before, within the window of the offers."
    )
    face_value: float | None = Field(description="The cost of a redemption; null if no coupon's worth is known.")
    expected_margin: float | None = Field(description="The expected incremental margin; null if worth is unknown.")


class OffersResponse(BaseModel):
    """Return a customer's offers, the best first; none if none pays within the budget."""

    as_of: date = Field(description="The scores count events before this day.")
    model_version: str = Field(description="The version of the customer model that scored.")
    offers: list[Offer] = Field(description="The offers, the best first.")
    warnings: list[str] = Field(description="Sentences about offers left out, or about the budget if it has no effect.")


class OffersHandler:
    """Answer requests for offers from the published scores, by the functions of `python -m marketing offers`.

    Args:
        link: The link that names the current publication of scores.
    """

    def __init__(self, link: Path):
        self._link = link
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="offers")

    async def offers(self, body: OffersRequest) -> OffersResponse:
        """Return a customer's offers.

        Raises:
            NoOffersError: The question cannot be answered, such as for a customer without offers.
            ScoresNotPublishedError: The customers were never scored.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, body)

    def _answer(self, body: OffersRequest) -> OffersResponse:
        try:
            publication = current_publication(self._link)
            found = offers_for(self._link.parent / publication.name, body.customer_id, body.budget, body.k)
        except NothingPublishedError as error:
            raise ScoresNotPublishedError(NOT_PUBLISHED) from error
        except ScoresError as error:
            raise ProfilesUnavailableError(f"The published scores hold no offers. {error}") from error
        except MarketingError as error:
            raise NoOffersError(str(error)) from error
        part = publication.parts["offers"]
        return OffersResponse(
            as_of=part.as_of,
            model_version=part.model_version,
            offers=[_offer(row) for row in found.rows],
            warnings=found.notes,
        )


def _offer(row: dict[str, Any]) -> Offer:
    return Offer(**{name: row[name] for name in Offer.model_fields})
