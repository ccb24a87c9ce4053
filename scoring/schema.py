"""The names of the features that models read, in the order of the models' inputs, from `features.declarations`.

A bundle was trained on these names in this order, so the service refuses a bundle when either changes.
"""

from features.declarations import CUSTOMER_HISTORY, CUSTOMER_PROFILE, PRODUCT_ACTIVITY, PRODUCT_CONTENT
from features.feature import Type

HISTORY = CUSTOMER_HISTORY.inputs(Type.NUMBERS)
"""Arrays of a customer's history, aligned with `product_ids`: one element per product ever bought."""

HISTORY_PRODUCT_IDS = "customer_history__product_ids"
"""Column with the products that the arrays of a history are aligned with, in a row of customer features."""

PROFILE = CUSTOMER_PROFILE.inputs(Type.NUMBER)
"""Numbers about a customer as a whole."""

TRAITS = CUSTOMER_PROFILE.inputs(Type.TEXT)
"""Categories of a customer; an empty string means unknown."""

CONTENT = PRODUCT_CONTENT.inputs(Type.TEXT)
"""Categories of a product; an empty string means unknown."""

ACTIVITY = PRODUCT_ACTIVITY.inputs(Type.NUMBER)
"""Numbers about a product at one instant."""

PROMOTION_PLAN_FEATURES = tuple(name for name in ACTIVITY if PRODUCT_ACTIVITY.by_name[name].window.ahead)
"""The activity features about future promotions, which are available only if the retailer plans them."""
