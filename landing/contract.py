"""The column contract of the landing tables, as data.

`docs/bring-your-own-data.md` shows these tables to people; a test keeps the two equal.
"""

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["id", "text", "number", "date", "timestamp"]

SQL_TYPE: dict[ColumnType, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "number": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True)
class Column:
    name: str
    type: ColumnType
    required: bool
    description: str


@dataclass(frozen=True)
class Table:
    """One landing table; `known` names the column that says since when a row is known, None if undated."""

    name: str
    required: bool
    description: str
    columns: tuple[Column, ...]
    known: str | None = None

    @property
    def required_columns(self) -> list[str]:
        return [column.name for column in self.columns if column.required]

    @property
    def has_customers(self) -> bool:
        return any(column.name == "customer_id" for column in self.columns)


def _required(name: str, kind: ColumnType, description: str) -> Column:
    return Column(name, kind, True, description)


def _optional(name: str, kind: ColumnType, description: str) -> Column:
    return Column(name, kind, False, description)


TRANSACTIONS = Table(
    "transactions",
    required=True,
    description="One row per line of a receipt.",
    known="transaction_at",
    columns=(
        _required("customer_id", "id", "Who bought: a household, a loyalty card, an account."),
        _required("basket_id", "id", "The receipt or order."),
        _required("product_id", "id", "What was bought."),
        _optional("store_id", "id", "Where it was bought."),
        _required("quantity", "number", "Units; negative for a return."),
        _required("sales_value", "number", "Money paid to the shop for the line, after retail discounts."),
        _optional("retail_discount", "number", "Money the shop took off; positive."),
        _optional("coupon_discount", "number", "Money a manufacturer's coupon took off; positive."),
        _optional("coupon_match_discount", "number", "Money the shop added to a coupon; positive."),
        _required("transaction_at", "timestamp", "When it was bought, in UTC."),
    ),
)

PRODUCTS = Table(
    "products",
    required=True,
    description="One row per product of the catalogue.",
    columns=(
        _required("product_id", "id", "The product; unique."),
        _optional("product_name", "text", "What a customer would call it."),
        _optional("department", "text", "The coarsest group."),
        _optional("category", "text", "The middle group."),
        _optional("product_type", "text", "The finest group: what can replace one another."),
        _optional("brand", "text", "The brand, or the kind of brand."),
        _optional("manufacturer_id", "id", "Who makes it."),
        _optional("package_size", "text", "Such as '12 OZ'."),
    ),
)

CUSTOMERS = Table(
    "customers",
    required=False,
    description="One row per customer whose profile is known.",
    columns=(
        _required("customer_id", "id", "The customer; unique."),
        _optional("age_band", "text", "Such as '45-54'."),
        _optional("income_band", "text", "Such as '50-74K'."),
        _optional("home_ownership", "text", "Such as 'Homeowner'."),
        _optional("marital_status", "text", "Such as 'Married'."),
        _optional("household_size", "text", "Such as '2' or '5+'."),
        _optional("household_composition", "text", "Such as '2 Adults Kids'."),
        _optional("kids_count", "text", "Such as '0' or '3+'."),
    ),
)

PROMOTIONS = Table(
    "promotions",
    required=False,
    description="One row per product, store and period in which it was displayed or advertised.",
    known="starts_on",
    columns=(
        _required("product_id", "id", "The promoted product."),
        _optional("store_id", "id", "The store; empty for all stores."),
        _required("starts_on", "date", "First day."),
        _required("ends_on", "date", "Last day, included."),
        _optional("display", "text", "Where in the store it stood; '0' or empty for nowhere."),
        _optional("mailer", "text", "Where in the mailer it stood; '0' or empty for nowhere."),
    ),
)

CAMPAIGNS = Table(
    "campaigns",
    required=False,
    description="One row per campaign and customer who received it.",
    known="starts_on",
    columns=(
        _required("campaign_id", "id", "The campaign."),
        _required("customer_id", "id", "A customer who received it."),
        _optional("campaign_type", "text", "Such as 'Type A'."),
        _required("starts_on", "date", "First day."),
        _required("ends_on", "date", "Last day, included."),
    ),
)

COUPONS = Table(
    "coupons",
    required=False,
    description="One row per coupon and product it can be redeemed for.",
    columns=(
        _required("coupon_id", "id", "The coupon."),
        _required("product_id", "id", "A product it is good for."),
        _required("campaign_id", "id", "The campaign that sent it."),
    ),
)

REDEMPTIONS = Table(
    "redemptions",
    required=False,
    description="One row per coupon a customer redeemed.",
    known="redeemed_on",
    columns=(
        _required("customer_id", "id", "Who redeemed."),
        _required("coupon_id", "id", "The coupon."),
        _optional("campaign_id", "id", "The campaign that sent it."),
        _required("redeemed_on", "date", "The day."),
    ),
)

TABLES: tuple[Table, ...] = (TRANSACTIONS, PRODUCTS, CUSTOMERS, PROMOTIONS, CAMPAIGNS, COUPONS, REDEMPTIONS)

PROMOTIONS_PLANNED_DAYS = 28
"""Promotions are planned: those that start up to so many days after `as_of` are already known."""
