"""The column contract of the landing tables, as data.

`docs/bring-your-own-data.md` shows these tables to people; a test keeps the two equal.
"""

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["id", "text", "number", "boolean", "date", "timestamp"]

SQL_TYPE: dict[ColumnType, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
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

EVENTS = Table(
    "events",
    required=False,
    description="One row per thing a customer did, beside what the service collects itself.",
    known="received_at",
    columns=(
        _required("event_id", "id", "The event; of several rows with one id the first received counts."),
        _required("customer_id", "id", "Who did it."),
        _required("product_id", "id", "With which product."),
        _required("event_type", "text", "One of purchase, cart, click, view, impression."),
        _required("occurred_at", "timestamp", "When it was done, in UTC."),
        _optional("received_at", "timestamp", "When it became known, in UTC; empty: when it was done."),
        _optional("request_id", "id", "The answer of the service that had shown the product."),
        _optional("quantity", "number", "Units, of a purchase or a cart; empty: 1."),
        _optional("price", "number", "Money for one unit."),
    ),
)

DECISIONS = Table(
    "decisions",
    required=False,
    description="One row per product shown to a customer, beside what the service collects itself.",
    known="decided_at",
    columns=(
        _required("request_id", "id", "The answer."),
        _optional("customer_id", "id", "To whom; empty if no customer was named, as of similar items."),
        _required("slate", "text", "The list's purpose: all, explore, or similar."),
        _required("position", "number", "The place in the list, from 1."),
        _required("product_id", "id", "What was shown."),
        _optional("source", "text", "The candidate source that brought it."),
        _optional("score", "number", "The ranker's score; comparable within one answer only."),
        _required("model_version", "text", "Which version decided."),
        _optional("fallback", "text", "Why the list is not the model's; empty if it is."),
        _required("decided_at", "timestamp", "When, in UTC."),
        _optional("experiment_id", "id", "The experiment that the answer belongs to; empty outside experiments."),
        _optional("variant", "text", "The variant of the experiment that the customer was assigned to."),
        _optional("propensity", "number", "The probability of showing this product here; empty if it was not random."),
        _optional("is_holdout", "boolean", "Whether the customer is in a holdout group; empty outside experiments."),
    ),
)

TABLES: tuple[Table, ...] = (
    *(TRANSACTIONS, PRODUCTS, CUSTOMERS, PROMOTIONS, CAMPAIGNS, COUPONS, REDEMPTIONS),
    EVENTS,
)
"""What a run admits, as known before its day."""

FEEDBACK: tuple[Table, ...] = (EVENTS, DECISIONS)
"""What the service collects and a landing may bring as well (`landing/feedback/merged_table.py`)."""

PLANNED = ("starts_on", "ends_on")
"""Days that may lie in the future, also so far that they mean "until further notice"."""

PROMOTIONS_PLANNED_DAYS = 28
"""Promotions are planned: those that start up to so many days after `as_of` are already known."""
