"""Define the sections of the triggers: what makes a customer a target without a person."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.toml.sections import Section, Share


class LapseRising(Section):
    """The risk of a lapse crosses a threshold between two publications of scores."""

    type: Literal["lapse_rising"]
    threshold: Share = 0.5
    weeks: Literal[4, 8] = 8
    cooldown_days: int = Field(56, ge=0)


class CategoriesDue(Section):
    """A customer is due to buy a category again."""

    type: Literal["categories_due"]
    categories: tuple[str, ...] = ()
    min_probability: Share = 0.5
    cooldown_days: int = Field(28, ge=0)


class FirstPurchase(Section):
    """A customer bought for the first time."""

    type: Literal["first_purchase"]
    within_days: int = Field(14, ge=1)
    cooldown_days: int = Field(0, ge=0)


class NewProduct(Section):
    """A new product of a maker or type that the customer buys.

    Attributes:
        same: what the new product has in common with the customer's purchases.
        within_days: it was first sold at most this many days ago.
        min_purchases: purchases of the same maker or type that the customer made at least.
    """

    type: Literal["new_product"]
    same: Literal["manufacturer", "product_type", "either"] = "either"
    within_days: int = Field(14, ge=1, le=90)
    min_purchases: int = Field(3, ge=1)
    cooldown_days: int = Field(28, ge=0)


class CartLeft(Section):
    """A customer put something into the cart and bought nothing since.

    Attributes:
        after_hours: hours since the newest product was put into the cart.
        within_hours: older carts are left alone.
    """

    type: Literal["cart_left"]
    after_hours: float = Field(4, gt=0)
    within_hours: float = Field(48, gt=0)
    cooldown_days: int = Field(7, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> "CartLeft":
        if self.within_hours <= self.after_hours:
            raise ValueError(f"within_hours = {self.within_hours:g} is not above after_hours = {self.after_hours:g}")
        return self


class Anniversary(Section):
    """A date of the customer comes round, such as a birthday or the day of the first order.

    Attributes:
        file: a CSV or Parquet file with customer_id and the column, relative to the campaign's file.
        column: the column with the date.
        days_before: days before the anniversary.
        within_days: a day that passed unplanned still counts for this long.
    """

    type: Literal["anniversary"]
    file: str
    column: str
    days_before: int = Field(0, ge=0, le=60)
    within_days: int = Field(2, ge=0, le=30)
    cooldown_days: int = Field(0, ge=0)


Trigger = Annotated[
    LapseRising | CategoriesDue | FirstPurchase | NewProduct | CartLeft | Anniversary, Field(discriminator="type")
]

WITH_PRODUCTS = ("new_product", "cart_left")
"""Triggers that name products, which fill the slot of a message with `slate = "trigger"`."""
