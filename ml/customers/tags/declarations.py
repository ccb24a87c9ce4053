"""Every tag: the one place that scores, the report and the documentation take names and bars from.

A declaration does not publish a tag. It is published if it meets its bar on the customers of this shop, so candidates
that failed on the demo's data stand here as well. docs/add-a-tag.md adds one.
"""

from ml.customers.tags.kinds import Declarations, GivenField, Habit, Interests, Statement

MIN_BASKETS = 12
"""Baskets in 26 weeks below which a customer has no learned or computed tag."""

RELIABILITY_BAR = 0.80
ERROR_BAR = 0.06
"""The largest expected calibration error of a tag with a probability."""

CLASS_BAR = 0.80
"""The accuracy that an exact value of a field would need."""

TAGS = Declarations(
    habits=(
        Habit("basket_value", "Mean money paid for a basket", "basket_value"),
        Habit("basket_lines", "Mean number of distinct products in a basket", "basket_lines", digits=1),
        Habit("main_store", "The store of most baskets", "store_id", agreement="store_share"),
        Habit("private_label_share", "Share of the money that goes to the shop's own brands", "private_label_share"),
        Habit("price_position", "Mean ln(price / median price of the product type) of purchases", "price_position"),
        Habit("discount_share", "Share of the regular price that discounts take off", "discount_share"),
        Habit("evening_share", "Share of baskets in the evening", "evening_share"),
        Habit("morning_share", "Share of baskets in the morning", "morning_share"),
        Habit("weekend_share", "Share of baskets on Saturday or Sunday", "weekend_share"),
        Habit("coupon_share", "Share of baskets with a coupon", "coupon_share"),
        Habit("weekday", "The day of the week of most baskets, 1 is Monday", "weekday", agreement="weekday_share"),
    ),
    interests=Interests(
        "likes",
        "Buys from the category more often than others do",
        least_z=3.0,
        least_lift=1.5,
        least_baskets=5,
        bar=0.88,
    ),
    statements=(
        Statement("age_55", "55 years or older", "age_band", "age", bar=0.80, at_least=55),
        Statement("income_75k", "An income of 75,000 or more", "income_band", "income", bar=0.74, at_least=75),
        Statement("household_3", "Three persons or more", "household_size", "household", bar=0.70, at_least=3),
        Statement("kids", "Children in the household", "kids_count", "children", bar=0.70, at_least=1),
        Statement("married", "Married", "marital_status", "marital", bar=0.70, words=frozenset({"Married"})),
        Statement(
            "homeowner",
            "Owns the home",
            "home_ownership",
            "home",
            bar=0.75,
            words=frozenset({"Homeowner", "Probable Homeowner"}),
        ),
        Statement("single", "One person", "household_size", "household", bar=0.70, words=frozenset({"1"})),
    ),
    given=(
        GivenField("home_ownership", "Owner, renter or unknown", "home_ownership", "home"),
        GivenField("marital_status", "Marital status", "marital_status", "marital"),
    ),
    classes=("age_band", "income_band", "household_size", "household_composition", "kids_count", "marital_status"),
)
