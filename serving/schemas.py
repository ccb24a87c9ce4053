"""What `POST /recommend` takes and gives."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from serving.requests import ApiRequest

MAX_K = 100
MAX_ID = 64


def _spell_whole_numbers(value: Any) -> Any:
    """Many shops number their customers; 1250 and "1250" are one."""
    return str(value) if type(value) is int else value


class RecommendRequest(ApiRequest):
    """Which customer, which slate, how many products."""

    ALLOWED: ClassVar = {
        "customer_id": f"a string of 1 to {MAX_ID} characters, or a whole number",
        "slate": "'all' (what the customer will buy next) or 'explore' (only products never bought before)",
        "k": f"a whole number from 1 to {MAX_K}",
    }
    EXAMPLE: ClassVar = {"customer_id": "1250", "slate": "all", "k": 3}

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    customer_id: Annotated[str, BeforeValidator(_spell_whole_numbers)] = Field(
        min_length=1,
        max_length=MAX_ID,
        description=f"The shop's id of the customer: {ALLOWED['customer_id']}.",
    )
    slate: Literal["all", "explore"] = Field("all", description=f"The list's purpose: {ALLOWED['slate']}.")
    k: int = Field(10, ge=1, le=MAX_K, strict=True, description=f"Length of the list: {ALLOWED['k']}.")


class RecommendedItem(BaseModel):
    """One product of the list."""

    product_id: str
    name: str
    score: float = Field(description="The ranker's score: comparable within one answer only.")
    source: str = Field(description="The candidate source that brought the product in.")
    reason: str = Field(description="A sentence for the customer.")


Fallback = Literal["unknown_customer", "empty_history", "features_unavailable", "simple_rule"]


class RecommendResponse(BaseModel):
    """A ranked list, best first, and which version made it."""

    request_id: str = Field(description="Names this answer in logs and feedback.")
    model_version: str = Field(description="Version of the bundle that answered.")
    as_of: date = Field(description="The bundle knows what was known before this day.")
    fallback: Fallback | None = Field(description="Why the list is not the model's; null if it is.")
    items: list[RecommendedItem]
