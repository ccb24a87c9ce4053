"""The names of the features this room reads, as the feature services publish them.

They are listed once; a contract test compares them with the feature tables and with Feast's services.
"""

HISTORY = (
    "baskets",
    "days_since_last",
    "days_since_first",
    "gap_mean_days",
    "gap_std_days",
    "decayed_20d",
    "decayed_60d",
    "decayed_120d",
    "decayed_240d",
    "baskets_2w",
    "baskets_4w",
    "baskets_8w",
    "baskets_13w",
    "last_20_baskets",
    "periods_4w",
    "quantity",
    "spend",
)
"""Arrays of a customer's history, aligned with `product_ids`: one element a product ever bought."""

PROFILE = (
    "baskets",
    "baskets_4w",
    "baskets_13w",
    "days_since_last_basket",
    "days_since_first_basket",
    "gap_mean_days",
    "spend_4w",
    "spend_13w",
    "products",
    "basket_size_mean",
    "new_product_share_8w",
    "discount_share",
    "coupon_redemptions",
    "campaigns_received",
)
"""Numbers about a customer as a whole."""

TRAITS = (
    "age_band",
    "income_band",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_composition",
    "kids_count",
    "store_id",
)
"""Categories of a customer; an empty string means unknown."""

CONTENT = ("department", "category", "product_type", "brand", "manufacturer_id")
"""Categories of a product; an empty string means unknown."""

ACTIVITY = (
    "buyers_1w",
    "buyers_2w",
    "buyers_4w",
    "buyers_8w",
    "buyers_13w",
    "buyers_26w",
    "buyers",
    "baskets_4w",
    "baskets_13w",
    "baskets",
    "first_buyers_4w",
    "first_buyers_8w",
    "rebuyers",
    "rebuy_rate",
    "days_since_first_sale",
    "days_since_last_sale",
    "price",
    "price_ratio_in_type",
    "discount_depth_4w",
    "share_in_type_8w",
    "share_in_category_8w",
    "trend",
    "stores_13w",
    "mailer_stores",
    "display_stores",
    "mailer_stores_next",
    "display_stores_next",
    "mailer_stores_next_1w",
    "display_stores_next_1w",
    "coupons_active",
)
"""Numbers about a product at one instant."""

PLANNED = tuple(name for name in ACTIVITY if "_next" in name)
"""Those of them that tell of promotions to come: a retailer plans them, an outsider would not know."""
