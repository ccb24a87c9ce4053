"""Declare the column contract of the landing tables, as data.

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
    """One column of a landing table."""

    name: str
    type: ColumnType
    required: bool
    description: str


@dataclass(frozen=True)
class Table:
    """One landing table.

    `known_at_column` names the column with the time from which a row is known; None if the table is undated.
    """

    name: str
    required: bool
    description: str
    columns: tuple[Column, ...]
    known_at_column: str | None = None

    @property
    def required_columns(self) -> list[str]:
        """Names of the required columns."""
        return [column.name for column in self.columns if column.required]

    @property
    def has_customers(self) -> bool:
        """Whether rows name a customer."""
        return any(column.name == "customer_id" for column in self.columns)


def _required(name: str, kind: ColumnType, description: str) -> Column:
    return Column(name, kind, True, description)


def _optional(name: str, kind: ColumnType, description: str) -> Column:
    return Column(name, kind, False, description)


TRANSACTIONS = Table(
    "transactions",
    required=True,
    description="One row per line of a receipt.",
    known_at_column="transaction_at",
    columns=(
        _required("customer_id", "id", "The buyer: a household, a loyalty card, an account."),
        _required("basket_id", "id", "The receipt or order."),
        _required("product_id", "id", "The product that was bought."),
        _optional("store_id", "id", "The store."),
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
        _optional("product_name", "text", "The name that customers use."),
        _optional("department", "text", "The coarsest group."),
        _optional("category", "text", "The middle group."),
        _optional("product_type", "text", "The finest group: products that can replace one another."),
        _optional("brand", "text", "The brand, or the kind of brand."),
        _optional("manufacturer_id", "id", "The manufacturer."),
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
    known_at_column="starts_on",
    columns=(
        _required("product_id", "id", "The promoted product."),
        _optional("store_id", "id", "The store; empty for all stores."),
        _required("starts_on", "date", "First day."),
        _required("ends_on", "date", "Last day, included."),
        _optional("display", "text", "Where it stood in the store; '0' or empty if it was not displayed."),
        _optional("mailer", "text", "Where it stood in the mailer; '0' or empty if it was not in it."),
    ),
)

CAMPAIGNS = Table(
    "campaigns",
    required=False,
    description="One row per campaign and customer who received it.",
    known_at_column="starts_on",
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

COUPON_VALUES = Table(
    "coupon_values",
    required=False,
    description="One row per coupon whose worth is known.",
    columns=(
        _required("coupon_id", "id", "The coupon."),
        _optional("campaign_id", "id", "The campaign, if the worth differs by campaign; empty for all others."),
        _required("face_value", "number", "Money that the shop pays when it is redeemed."),
        _required("margin", "number", "Money that the shop earns on what is bought with it, before the face value."),
    ),
)

REDEMPTIONS = Table(
    "redemptions",
    required=False,
    description="One row per coupon a customer redeemed.",
    known_at_column="redeemed_on",
    columns=(
        _required("customer_id", "id", "The customer who redeemed it."),
        _required("coupon_id", "id", "The coupon."),
        _optional("campaign_id", "id", "The campaign that sent it."),
        _required("redeemed_on", "date", "The day."),
    ),
)

CONSENTS = Table(
    "consents",
    required=False,
    description="One row per answer of a customer to being contacted; the latest one counts.",
    columns=(
        _required("customer_id", "id", "The customer."),
        _required("channel", "text", "Such as 'email' or 'sms'."),
        _required("purpose", "text", "The aim of the messages, such as 'marketing'."),
        _required("granted", "boolean", "true for a yes, false for a no."),
        _required("since", "timestamp", "When the customer answered, in UTC; not the day of the export."),
        _optional("source", "text", "Where the customer answered, such as 'checkout'; empty: the landing."),
    ),
)

CONTACTS = Table(
    "contacts",
    required=False,
    description="One row per customer and channel with an address: personal data.",
    columns=(
        _required("customer_id", "id", "The customer."),
        _required("channel", "text", "Such as 'email' or 'sms'."),
        _optional("address", "text", "The e-mail address or telephone number."),
        _optional("timezone", "text", "The customer's zone, such as 'Europe/Berlin'; empty: the shop's."),
        _optional("since", "timestamp", "Since when it is the address, in UTC; empty: since it was first delivered."),
    ),
)

BOUNCES = Table(
    "bounces",
    required=False,
    description="One row per message that came back, for a customer or an address.",
    columns=(
        _optional("customer_id", "id", "The customer; empty if only the address is known."),
        _optional("address", "text", "The address; empty if only the customer is known."),
        _required("channel", "text", "Such as 'email' or 'sms'."),
        _required("kind", "text", "'hard' if the address cannot be reached, 'soft' if it may be later."),
        _required("bounced_at", "timestamp", "When it came back, in UTC."),
    ),
)

EVENTS = Table(
    "events",
    required=False,
    description="One row per action of a customer, in addition to those that the service collects.",
    known_at_column="received_at",
    columns=(
        _required("event_id", "id", "The event; of several rows with one id, the first received counts."),
        _required("customer_id", "id", "The customer who did it."),
        _optional("product_id", "id", "The product it is about; empty only for a search without a click."),
        _required("event_type", "text", "A type of core/event_types.toml, such as purchase, view, cart or rating."),
        _required("occurred_at", "timestamp", "When it happened, in UTC."),
        _optional("received_at", "timestamp", "When it was received, in UTC; empty: when it happened."),
        _optional("request_id", "id", "The answer that showed the product, or the id of the campaign's message."),
        _optional("quantity", "number", "Units, of a purchase or a cart; empty: 1."),
        _optional("price", "number", "Money for one unit."),
        _optional("rating", "number", "The rating, of an event that is one."),
        _optional("rating_min", "number", "The worst rating of its scale."),
        _optional("rating_max", "number", "The best rating of its scale."),
        _optional("query", "text", "The query of a search, at most 200 characters; it may be personal."),
    ),
)

DECISIONS = Table(
    "decisions",
    required=False,
    description="One row per product shown to a customer, in addition to those that the service collects.",
    known_at_column="decided_at",
    columns=(
        _required("request_id", "id", "The answer."),
        _optional("customer_id", "id", "The customer; empty if the request named none, such as for similar items."),
        _required("slate", "text", "The list's purpose: all, explore, or similar."),
        _required("position", "number", "The rank in the list, from 1."),
        _required("product_id", "id", "The product that was shown."),
        _optional("source", "text", "The candidate source that proposed it."),
        _optional("score", "number", "The ranker's score; comparable within one answer only."),
        _required("model_version", "text", "The model version that made the list."),
        _optional("fallback", "text", "The reason if the list is not the model's; empty if it is."),
        _required("decided_at", "timestamp", "When it was shown, in UTC."),
        _optional("experiment_id", "id", "The experiment that the answer belongs to; empty outside experiments."),
        _optional("variant", "text", "The variant of the experiment that the customer was assigned to."),
        _optional("propensity", "number", "The probability of showing this product here; empty if it was not random."),
        _optional("is_holdout", "boolean", "Whether the customer is in a holdout group; empty outside experiments."),
    ),
)

EXPOSURES = Table(
    "exposures",
    required=False,
    description="One row per answer and experiment of the service that it belongs to, besides the collected ones.",
    known_at_column="decided_at",
    columns=(
        _required("request_id", "id", "The answer."),
        _required("customer_id", "id", "The customer."),
        _required("slate", "text", "The list's purpose."),
        _required("experiment_id", "id", "The experiment."),
        _required("variant", "text", "The variant that the customer was assigned to."),
        _required("propensity", "number", "The probability of the variant among the experiment's customers."),
        _optional("is_holdout", "boolean", "Whether the variant recommends nothing."),
        _optional("is_override", "boolean", "Whether a tester chose the variant; such rows are not analysed."),
        _optional("served", "text", "'variant', or 'champion' if the variant's version could not be served."),
        _optional("fallback", "text", "The reason if the list is not the model's; empty if it is."),
        _optional("shown", "number", "Products in the answer."),
        _required("decided_at", "timestamp", "When it was answered, in UTC."),
    ),
)

TABLES: tuple[Table, ...] = (
    *(TRANSACTIONS, PRODUCTS, CUSTOMERS, PROMOTIONS, CAMPAIGNS, COUPONS, COUPON_VALUES, REDEMPTIONS),
    *(CONSENTS, CONTACTS, BOUNCES, EVENTS),
)
"""Tables that a run admits, each as known before its day."""

PERSONAL: tuple[Table, ...] = (CONTACTS, BOUNCES)
"""Tables with addresses: only the outbox reads them, and no finding or check shows one."""

FEEDBACK: tuple[Table, ...] = (EVENTS, DECISIONS, EXPOSURES)
"""Tables that the service collects; a landing may hold them, too (`landing/feedback/merged_table.py`)."""

PLANNED = ("starts_on", "ends_on")
"""Dates that may lie in the future, even far enough to mean "until further notice"."""

PROMOTIONS_PLANNED_DAYS = 28
"""Days after `as_of` within which a promotion that starts is already known, because promotions are planned."""
