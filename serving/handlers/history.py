"""`POST /history`: what a customer bought, as the models see it: where a list comes from."""

from datetime import UTC, datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from serving.api.fields import ID, MAX_COUNT, Count, Id
from serving.api.validation import ApiRequest
from serving.customer_state.feature_client import FeatureResult
from serving.customer_state.freshness import EVENT_TIMESTAMP

Missing = Literal["unknown_customer", "empty_history", "features_unavailable"]


class HistoryRequest(ApiRequest):
    """Whose history, and how many products of it. It is personal data: a key needs the scope `admin`."""

    SCOPE: ClassVar = "admin"
    USES_SCORING_SLOT: ClassVar = False
    FIELD_HELP: ClassVar = {
        "customer_id": ID,
        "k": f"a whole number from 1 to {MAX_COUNT}",
    }
    EXAMPLE: ClassVar = {"customer_id": "1250", "k": 3}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    customer_id: Id = Field(description=f"The shop's id of the customer: {FIELD_HELP['customer_id']}.")
    k: Count = Field(20, description=f"Products at most: {FIELD_HELP['k']}.")


class BoughtProduct(BaseModel):
    """One product of a customer's history."""

    product_id: str = Field(description="The shop's id of the product.")
    name: str | None = Field(
        description="The product's name; null if it has none, or if the serving version does not know the product."
    )
    baskets: int = Field(description="Baskets that held it.")
    gap_mean_days: float | None = Field(description="Days between two of them on average; null if there is only one.")
    days_since_last: float = Field(description="Days since the last of them.")


class HistoryResponse(BaseModel):
    """A customer's purchases, those of the last weeks first, and of them the ones bought often."""

    missing: Missing | None = Field(
        description="Why there is no history, or only what was bought since the features; null if it is whole."
    )
    features_as_of: datetime | None = Field(description="The features know what happened before this instant (UTC).")
    products: int = Field(description="Different products ever bought.")
    baskets: int = Field(description="Baskets ever bought.")
    days_since_last_basket: float | None = Field(description="Days since the last of them.")
    items: list[BoughtProduct] = Field(description="The products, at most k.")


def build_history(read: FeatureResult, customer: Customer | None, catalogue: Catalogue, k: int) -> HistoryResponse:
    """The answer about a customer whose features were read; `customer` is None if there are none."""
    missing: Missing | None = None
    if read.outcome not in ("found", "unknown"):
        missing = "features_unavailable"
    elif customer is None:
        missing = "unknown_customer"
    elif customer.is_new:
        missing = "empty_history"
    known = Customer.empty() if customer is None else customer
    weights = known.history["decayed_20d"]  # what was bought a moment ago is to be seen
    order = sorted(range(len(known.product_ids)), key=lambda i: -float(weights[i]))
    return HistoryResponse(
        missing=missing,
        features_as_of=_in_utc(read.features.get(EVENT_TIMESTAMP)) if read.features else None,
        products=len(order),
        baskets=int(known.profile["baskets"]),
        days_since_last_basket=known.profile["days_since_last_basket"] if known.profile["baskets"] else None,
        items=[_bought(known, catalogue, i) for i in order[:k]],
    )


def _in_utc(moment: object) -> datetime | None:
    """Times are naive UTC inside Reach; clients are told the offset."""
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None


def _bought(customer: Customer, catalogue: Catalogue, i: int) -> BoughtProduct:
    product_id = str(customer.product_ids[i])
    position = catalogue.index.get(product_id)
    baskets = int(customer.history["baskets"][i])
    return BoughtProduct(
        product_id=product_id,
        name=None if position is None else catalogue.names[position] or None,
        baskets=baskets,
        gap_mean_days=round(float(customer.history["gap_mean_days"][i]), 2) if baskets > 1 else None,
        days_since_last=round(float(customer.history["days_since_last"][i]), 2),
    )
