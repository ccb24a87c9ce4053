"""Groups of customers that online features can tell apart, and which of them a rule serves instead of the model."""

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from scoring.customer.customer import Customer
from scoring.models.ranker import Slate

BASKET_BANDS = (10, 50, 150)
"""Upper ends of the groups by number of baskets: a newcomer, an occasional, a regular and a heavy customer."""


def baskets(customer: Customer) -> str:
    """`1-10`, `11-50`, `51-150` or `over 150` baskets before the snapshot."""
    low = 1
    for high in BASKET_BANDS:
        if customer.profile["baskets"] <= high:
            return f"{low}-{high}"
        low = high + 1
    return f"over {BASKET_BANDS[-1]}"


def demographics(customer: Customer) -> str:
    """`known` if the customer gave any, otherwise `unknown`. The usual store is no demographic: purchases tell it."""
    return "known" if any(value for name, value in customer.traits.items() if name != "store_id") else "unknown"


CUSTOMER_GROUPS: Mapping[str, Callable[[Customer], str]] = {"baskets": baskets, "demographics": demographics}
"""Every segment by its name in routes and reports."""


class GroupFallback(BaseModel):
    """Customers with `value` in `segment` get the rule's list in `slate`, because the model serves them worse."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slate: Slate
    group: Literal["baskets", "demographics"]
    value: str
    reason: str

    def applies_to(self, customer: Customer, slate: Slate) -> bool:
        return slate == self.slate and CUSTOMER_GROUPS[self.group](customer) == self.value
