"""Answer `POST /history`: a customer's purchases as the models see them."""

from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from events.fields import ID, Id
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.fallback import MissingHistory, missing_history
from serving.api.schemas import COUNT, Count
from serving.api.validation import ApiRequest
from serving.customer_state.feature_client import FeatureResult
from serving.customer_state.realtime import EVENT_TIMESTAMP


class HistoryRequest(ApiRequest):
    """Ask for a customer's purchases. They are personal data, so a key needs the scope `admin`."""

    SCOPE: ClassVar = "admin"
    USES_SCORING_SLOT: ClassVar = False
    EXAMPLE: ClassVar = {"customer_id": "1250", "k": 3}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    customer_id: Id = Field(description=f"The shop's id of the customer. Allowed: {ID}.")
    k: Count = Field(20, description=f"Number of products at most. Allowed: {COUNT}.")


class BoughtProduct(BaseModel):
    """Describe one product of a customer's history."""

    product_id: str = Field(description="The shop's id of the product.")
    name: str | None = Field(
        description="The product's name; null if it has none, or if the serving version does not contain the product."
    )
    baskets: int = Field(description="Number of baskets with the product.")
    gap_mean_days: float | None = Field(description="Mean number of days between these baskets; null with one basket.")
    days_since_last: float = Field(description="Days since the last of these baskets.")


class HistoryResponse(BaseModel):
    """Return a customer's purchases: recent and frequent products first."""

    missing: MissingHistory | None = Field(
        description="Why there is no history, or only the purchases since the features; null if it is complete."
    )
    features_as_of: datetime | None = Field(description="The features count what happened before this instant (UTC).")
    products: int = Field(description="Different products ever bought.")
    baskets: int = Field(description="Number of all baskets.")
    days_since_last_basket: float | None = Field(description="Days since the last basket.")
    items: list[BoughtProduct] = Field(description="The products, at most k.")


def build_history(result: FeatureResult, customer: Customer | None, catalogue: Catalogue, k: int) -> HistoryResponse:
    """Return the answer about a customer; `customer` is None if nothing is known."""
    answered = result.outcome in ("found", "unknown")
    missing = missing_history(customer, "current" if answered else "unavailable")
    known = Customer.empty() if customer is None else customer
    weights = known.history["decayed_20d"]  # recent purchases weigh most, so the newest one is among the first
    order = sorted(range(len(known.product_ids)), key=lambda i: -float(weights[i]))
    return HistoryResponse(
        missing=missing,
        features_as_of=_with_utc(result.features.get(EVENT_TIMESTAMP)) if result.features else None,
        products=len(order),
        baskets=int(known.profile["baskets"]),
        days_since_last_basket=known.profile["days_since_last_basket"] if known.profile["baskets"] else None,
        items=[_bought(known, catalogue, i) for i in order[:k]],
    )


def _with_utc(instant: object) -> datetime | None:
    """Return a naive UTC time, as used inside Reach, with its offset, as clients need it."""
    return instant.replace(tzinfo=UTC) if isinstance(instant, datetime) else None


def _bought(customer: Customer, catalogue: Catalogue, i: int) -> BoughtProduct:
    product_id = str(customer.product_ids[i])
    index = catalogue.index.get(product_id)
    baskets = int(customer.history["baskets"][i])
    return BoughtProduct(
        product_id=product_id,
        name=None if index is None else catalogue.names[index] or None,
        baskets=baskets,
        gap_mean_days=round(float(customer.history["gap_mean_days"][i]), 2) if baskets > 1 else None,
        days_since_last=round(float(customer.history["days_since_last"][i]), 2),
    )
