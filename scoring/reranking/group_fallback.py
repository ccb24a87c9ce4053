"""Customer groups by online features, and which of them the baseline serves instead of the model."""

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from scoring.customer.customer import Customer
from scoring.models.ranker import Slate

BASKET_BANDS = (10, 50, 150)
"""Upper limits of the groups by number of baskets: new, occasional, regular and (without limit) heavy customers."""


def baskets(customer: Customer) -> str:
    """Return the group by baskets before the snapshot: `1-10`, `11-50`, `51-150` or `over 150`."""
    low = 1
    for high in BASKET_BANDS:
        if customer.profile["baskets"] <= high:
            return f"{low}-{high}"
        low = high + 1
    return f"over {BASKET_BANDS[-1]}"


def demographics(customer: Customer) -> str:
    """Return `known` if the customer gave any demographics, otherwise `unknown`.

    The usual store does not count, because it is derived from purchases.
    """
    return "known" if any(value for name, value in customer.traits.items() if name != "store_id") else "unknown"


CUSTOMER_GROUPS: Mapping[str, Callable[[Customer], str]] = {"baskets": baskets, "demographics": demographics}
"""Every grouping by its name in fallbacks and reports."""


class GroupFallback(BaseModel):
    """A group of customers who get the baseline's list in a slate, because the model serves them worse.

    Attributes:
        slate: The slate.
        group: The grouping, one of `CUSTOMER_GROUPS`.
        value: The group's value in it.
        reason: The evidence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slate: Slate
    group: Literal["baskets", "demographics"]
    value: str
    reason: str

    def applies_to(self, customer: Customer, slate: Slate) -> bool:
        """Whether the customer gets the baseline's list in this slate."""
        return slate == self.slate and CUSTOMER_GROUPS[self.group](customer) == self.value
