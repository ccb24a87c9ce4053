"""Define the entities that features describe: customers and products."""

from feast import Entity, ValueType

OWNER = "data-engineering@reach.example"

customer = Entity(
    name="customer",
    join_keys=["customer_id"],
    value_type=ValueType.STRING,
    description="A buyer: a loyalty account (a household in the demo data).",
    owner=OWNER,
)

campaign = Entity(
    name="campaign",
    join_keys=["campaign_id"],
    value_type=ValueType.STRING,
    description="A campaign that sent coupons to customers, from its first day to its last.",
    owner=OWNER,
)

product = Entity(
    name="product",
    join_keys=["product_id"],
    value_type=ValueType.STRING,
    description="A product: an article of the catalogue, or one that was ever sold.",
    owner=OWNER,
)
