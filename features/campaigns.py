"""The feature tables that campaigns date: what was known of a coupon and its customers when a campaign started."""

from features.feature import (
    EVER,
    BatchOnly,
    Feature,
    FeatureTable,
    Range,
    Type,
    Window,
    category,
    number,
    numbers,
    weeks,
)

_NOW = Window("at the instant")
_OFFERS = BatchOnly("computed when a campaign starts, and at each publication while one runs")


def _campaign_number(name: str, text: str, window: Window = EVER, source: str = "campaigns") -> Feature:
    return number(name, text, window, _OFFERS, source)


def _coupon_ids(name: str, text: str) -> Feature:
    return Feature(name, Type.TEXTS, text, EVER, _OFFERS, "coupons", is_input=False)


CUSTOMER_OFFERS = FeatureTable(
    "customer_offers",
    "customer",
    "Purchases of the products of a campaign's coupons before it started, or before the newest snapshot while it runs.",
    [
        number("total_spend_13w", "Money paid in the last 13 weeks.", weeks(13), _OFFERS),
        number("total_baskets_13w", "Baskets in the last 13 weeks.", weeks(13), _OFFERS),
        number("total_baskets_4w", "Baskets in the last 4 weeks.", weeks(4), _OFFERS),
        number("days_since_last_basket", "Days since the last basket.", EVER, _OFFERS),
        number("total_products", "Distinct products bought, ever.", EVER, _OFFERS),
        _campaign_number("coupons_redeemed", "Coupons redeemed, ever.", source="redemptions"),
        _campaign_number("coupons_redeemed_13w", "Coupons redeemed in the last 13 weeks.", weeks(13), "redemptions"),
        _campaign_number("campaigns_redeemed", "Campaigns with a redeemed coupon, ever.", source="redemptions"),
        _campaign_number("campaigns_before", "Campaigns received that had started, ever."),
        numbers("own_baskets", "Baskets with one of the coupon's products; aligned with coupon_ids.", EVER, _OFFERS),
        numbers("own_baskets_13w", "Of these in the last 13 weeks.", weeks(13), _OFFERS),
        numbers("own_baskets_4w", "Of these in the last 4 weeks.", weeks(4), _OFFERS),
        numbers("own_spend", "Money paid for the coupon's products.", EVER, _OFFERS),
        numbers("own_spend_13w", "Money paid for them in the last 13 weeks.", weeks(13), _OFFERS),
        numbers("own_days_since_last", "Days since one was last bought; 0 if none was.", EVER, _OFFERS),
        numbers("category_baskets_13w", "Baskets in its products' categories, by share.", weeks(13), _OFFERS),
        Feature(
            "category_share",
            Type.NUMBERS,
            "Share of its products that are of categories bought.",
            weeks(13),
            _OFFERS,
            range=Range.SHARE,
        ),
        _coupon_ids("campaign_ids", "The campaign of each coupon."),
        _coupon_ids("coupon_ids", "Coupons of whose products, or their categories, the customer bought something."),
    ],
    of_campaigns=True,
)

CAMPAIGN_COUPONS = FeatureTable(
    "campaign_coupons",
    "campaign",
    "The coupons of a campaign when it starts, or at the newest snapshot while it runs: breadth, sales and worth.",
    [
        category("campaign_type", "The kind of campaign.", "campaigns"),
        _campaign_number("customers", "Customers who received it."),
        _campaign_number("days_left", "Days from the instant to its end.", _NOW),
        Feature("coupon_products", Type.NUMBERS, "Products the coupon is good for.", EVER, _OFFERS, "coupons"),
        numbers("coupon_buyers_13w", "Customers who bought one of them in the last 13 weeks.", weeks(13), _OFFERS),
        numbers("coupon_baskets_13w", "Baskets with one of them in the last 13 weeks.", weeks(13), _OFFERS),
        numbers("coupon_sales_13w", "Money paid for them in the last 13 weeks.", weeks(13), _OFFERS),
        Feature("face_value", Type.NUMBERS, "Its cost when redeemed; 0 if unknown.", EVER, _OFFERS, "coupon_values"),
        Feature(
            "margin",
            Type.NUMBERS,
            "Earnings on the purchases with it, before the face value; 0 if unknown.",
            EVER,
            _OFFERS,
            "coupon_values",
            range=Range.ANY,
        ),
        _coupon_ids("coupon_ids", "The coupons of the campaign."),
    ],
    of_campaigns=True,
)

CUSTOMER_REDEMPTIONS = FeatureTable(
    "customer_redemptions",
    "customer",
    "The label of offers: campaigns that closed at the event time, and which of their coupons the customer redeemed.",
    [
        _coupon_ids("campaign_ids", "The campaigns the customer had received."),
        _coupon_ids("redeemed_campaign_ids", "The campaign of each redeemed coupon."),
        _coupon_ids("redeemed_coupon_ids", "The coupons of these campaigns that the customer redeemed."),
    ],
    of_campaigns=True,
)
