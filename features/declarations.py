"""Every feature: the one place that Feast's views, the models, tests and docs/features.md take names and meanings from.

A feature's value is what dbt's model computes; its type here must be the column's own, for `publish` compares the two.
The order within a table is that of the models' inputs.
"""

from features import customer as of_a_customer
from features import product as of_a_product
from features.campaigns import CAMPAIGN_COUPONS, CUSTOMER_OFFERS, CUSTOMER_REDEMPTIONS
from features.customer import CustomerUpdater, mean_per_basket
from features.feature import (
    EVER,
    BatchOnly,
    Feature,
    FeatureTable,
    Range,
    Type,
    Window,
    category,
    next_weeks,
    number,
    numbers,
    weeks,
)
from features.product import ProductList, ProductUpdater, decayed, total

CUSTOMER_HISTORY = FeatureTable(
    "customer_history",
    "customer",
    "Products that a customer bought, how often and how long ago: aligned arrays, one element per product.",
    [
        Feature(
            "product_ids",
            Type.TEXTS,
            "Every product ever bought, by decayed_120d descending, then product_id.",
            EVER,
            of_a_product.PRODUCTS_BOUGHT,
        ),
        numbers(
            "baskets",
            "Distinct baskets that held the product; like all arrays here, aligned with product_ids.",
            EVER,
            of_a_product.COUNT,
        ),
        numbers("days_since_last", "Days since the product was last bought.", EVER, of_a_product.SINCE_LAST),
        numbers("days_since_first", "Days since the product was first bought.", EVER, of_a_product.SINCE_FIRST),
        numbers(
            "gap_mean_days",
            "Mean days between purchases of the product; 0 after one basket.",
            EVER,
            of_a_product.GAP_MEAN,
        ),
        numbers(
            "gap_std_days",
            "Standard deviation of the days between purchases; 0 if fewer than two gaps.",
            EVER,
            of_a_product.GAP_STD,
        ),
        numbers("decayed_20d", "Sum over baskets of exp(-age/20 days).", EVER, decayed(20)),
        numbers("decayed_60d", "Sum over baskets of exp(-age/60 days).", EVER, decayed(60)),
        numbers("decayed_120d", "Sum over baskets of exp(-age/120 days).", EVER, decayed(120)),
        numbers("decayed_240d", "Sum over baskets of exp(-age/240 days).", EVER, decayed(240)),
        numbers("baskets_2w", "Baskets with the product in the last 2 weeks.", weeks(2), of_a_product.COUNT_WITHIN),
        numbers("baskets_4w", "Baskets with the product in the last 4 weeks.", weeks(4), of_a_product.COUNT_WITHIN),
        numbers("baskets_8w", "Baskets with the product in the last 8 weeks.", weeks(8), of_a_product.COUNT_WITHIN),
        numbers("baskets_13w", "Baskets with the product in the last 13 weeks.", weeks(13), of_a_product.COUNT_WITHIN),
        numbers(
            "last_20_baskets",
            "Baskets with the product among the customer's last 20.",
            Window("last 20 baskets"),
            of_a_product.COUNT_NEWEST,
        ),
        numbers(
            "periods_4w",
            "Four-week periods, counted back from the snapshot, in which it was bought.",
            EVER,
            of_a_product.PERIODS,
        ),
        numbers("quantity", "Units bought, ever.", EVER, total(lambda line: line.quantity, "units")),
        numbers(
            "spend",
            "Money paid for the product, ever, in the shop's currency.",
            EVER,
            total(lambda line: line.spend, "money"),
        ),
    ],
    (ProductUpdater, ProductList),
)

CUSTOMER_PROFILE = FeatureTable(
    "customer_profile",
    "customer",
    "A customer as a whole: rhythm, spend, appetite for new things and discounts, and known traits.",
    [
        number("baskets", "Baskets, ever.", EVER, of_a_customer.COUNT),
        number("baskets_4w", "Baskets in the last 4 weeks.", weeks(4), of_a_customer.COUNT_WITHIN),
        number("baskets_13w", "Baskets in the last 13 weeks.", weeks(13), of_a_customer.COUNT_WITHIN),
        number("days_since_last_basket", "Days since the last basket.", EVER, of_a_customer.SINCE_LAST),
        number("days_since_first_basket", "Days since the first basket.", EVER, of_a_customer.SINCE_FIRST),
        number("gap_mean_days", "Mean days between baskets; 0 after one basket.", EVER, of_a_customer.GAP_MEAN),
        number("spend_4w", "Money paid in the last 4 weeks.", weeks(4), of_a_customer.SPEND_WITHIN),
        number("spend_13w", "Money paid in the last 13 weeks.", weeks(13), of_a_customer.SPEND_WITHIN),
        number("products", "Distinct products bought, ever.", EVER, of_a_customer.PRODUCTS),
        number(
            "basket_size_mean",
            "Mean number of distinct products in a basket.",
            EVER,
            mean_per_basket(lambda basket: basket.products),
        ),
        number(
            "new_product_share_8w",
            "Share of the last 8 weeks' product purchases that were first ones.",
            weeks(8),
            of_a_customer.NEW_PRODUCT_SHARE_8W,
            range=Range.SHARE,
        ),
        number(
            "discount_share",
            "Retail discount over (money paid + retail discount), ever.",
            EVER,
            BatchOnly("purchase events carry no discount; a habit that one basket hardly changes"),
            range=Range.SHARE,
        ),
        number("coupon_redemptions", "Coupons redeemed, ever.", source="redemptions"),
        number("campaigns_received", "Campaigns received, ever.", source="campaigns"),
        category("age_band", "Age band; '' is unknown, as in every text feature.", "customers"),
        category("income_band", "Income band.", "customers"),
        category("home_ownership", "Owner, renter or unknown.", "customers"),
        category("marital_status", "Marital status.", "customers"),
        category("household_size", "Persons in the household.", "customers"),
        category("household_composition", "Members of the household.", "customers"),
        category("kids_count", "Children in the household.", "customers"),
        category(
            "store_id",
            "The store visited most in the last 26 weeks.",
            "transactions",
            weeks(26),
            BatchOnly("purchase events name no store; the usual one seldom changes between two builds"),
        ),
    ],
    (CustomerUpdater,),
)

PRODUCT_CONTENT = FeatureTable(
    "product_content",
    "product",
    "Attributes of a product from the catalogue.",
    [
        category("product_name", "The name a customer reads.", "products", is_input=False),
        category("department", "Department: the coarsest level of the catalogue.", "products"),
        category("category", "Category: the level below the department.", "products"),
        category("product_type", "Product type: the finest level of the catalogue.", "products"),
        category("brand", "Brand.", "products"),
        category("manufacturer_id", "Manufacturer.", "products"),
        category("package_size", "Package size as the catalogue writes it.", "products", is_input=False),
    ],
)

_SALES = BatchOnly("of everybody's purchases, which one more hardly changes")
_NOW = Window("at the instant")

PRODUCT_ACTIVITY = FeatureTable(
    "product_activity",
    "product",
    "How a product sells, what it costs and how it is promoted, at a snapshot.",
    [
        number("buyers_1w", "Customers who bought it in the last week.", weeks(1), _SALES),
        number("buyers_2w", "Customers who bought it in the last 2 weeks.", weeks(2), _SALES),
        number("buyers_4w", "Customers who bought it in the last 4 weeks.", weeks(4), _SALES),
        number("buyers_8w", "Customers who bought it in the last 8 weeks.", weeks(8), _SALES),
        number("buyers_13w", "Customers who bought it in the last 13 weeks.", weeks(13), _SALES),
        number("buyers_26w", "Customers who bought it in the last 26 weeks.", weeks(26), _SALES),
        number("buyers", "Customers who ever bought it.", EVER, _SALES),
        number("baskets_4w", "Baskets with it in the last 4 weeks.", weeks(4), _SALES),
        number("baskets_13w", "Baskets with it in the last 13 weeks.", weeks(13), _SALES),
        number("baskets", "Baskets with it, ever.", EVER, _SALES),
        number("first_buyers_4w", "Customers who bought it for the first time in the last 4 weeks.", weeks(4), _SALES),
        number("first_buyers_8w", "Customers who bought it for the first time in the last 8 weeks.", weeks(8), _SALES),
        number("rebuyers", "Customers with at least two baskets of the product.", EVER, _SALES),
        number(
            "rebuy_rate",
            "Share of buyers who came back for it, smoothed towards a prior.",
            EVER,
            _SALES,
            range=Range.SHARE,
        ),
        number("days_since_first_sale", "Days since it was first sold.", EVER, _SALES),
        number("days_since_last_sale", "Days since it was last sold.", EVER, _SALES),
        number("price", "Median unit price paid in the last 13 weeks, else ever.", weeks(13), _SALES),
        number(
            "price_ratio_in_type",
            "Price over the median price of its product type; 1 if unknown.",
            weeks(13),
            _SALES,
        ),
        number(
            "discount_depth_4w",
            "Share of retail discount in the last 4 weeks' sales.",
            weeks(4),
            _SALES,
            range=Range.SHARE,
        ),
        number(
            "share_in_type_8w",
            "Its buyers over all buyers of its product type, last 8 weeks.",
            weeks(8),
            _SALES,
            range=Range.SHARE,
        ),
        number(
            "share_in_category_8w",
            "Its buyers over all buyers of its category, last 8 weeks.",
            weeks(8),
            _SALES,
            range=Range.SHARE,
        ),
        number(
            "trend",
            "Log ratio of the last 4 weeks' buyers to the 9 weeks' before, per week.",
            weeks(13),
            _SALES,
            range=Range.ANY,
        ),
        number("stores_13w", "Stores that sold it in the last 13 weeks.", weeks(13), _SALES),
        number(
            "mailer_stores",
            "Share of stores with it in the mailer, in the week before.",
            weeks(1),
            source="promotions",
            range=Range.SHARE,
        ),
        number(
            "display_stores",
            "Share of stores with it on display, in the week before.",
            weeks(1),
            source="promotions",
            range=Range.SHARE,
        ),
        number(
            "mailer_stores_next",
            "Share of store-weeks with it in the planned mailers of the next 4 weeks.",
            next_weeks(4),
            source="promotions",
            range=Range.SHARE,
        ),
        number(
            "display_stores_next",
            "Share of store-weeks with it on planned displays of the next 4 weeks.",
            next_weeks(4),
            source="promotions",
            range=Range.SHARE,
        ),
        number(
            "mailer_stores_next_1w",
            "Share of stores with it in the planned mailer of the next week.",
            next_weeks(1),
            source="promotions",
            range=Range.SHARE,
        ),
        number(
            "display_stores_next_1w",
            "Share of stores with it on planned display in the next week.",
            next_weeks(1),
            source="promotions",
            range=Range.SHARE,
        ),
        number("coupons_active", "Running coupon campaigns that cover it.", _NOW, source="coupons"),
    ],
)

_HABIT = BatchOnly("a habit of half a year, which one basket hardly changes")


def _habit(name: str, text: str, range: Range = Range.NOT_NEGATIVE) -> list[Feature]:
    """Declare a number of `feat_customer_habits`: over all baskets, the odd ones and the even ones."""
    return [
        number(f"{name}{half}", f"{text}{of_half}.", weeks(26), _HABIT, range=range)
        for half, of_half in _HALVES.items()
    ]


def _habit_word(name: str, text: str) -> list[Feature]:
    """Declare a text of `feat_customer_habits`: over all baskets, the odd ones and the even ones."""
    return [
        category(f"{name}{half}", f"{text}{of_half}.", "transactions", weeks(26), _HABIT)
        for half, of_half in _HALVES.items()
    ]


_HALVES = {"": "", "_odd": ", of odd baskets", "_even": ", of even baskets"}

CUSTOMER_HABITS = FeatureTable(
    "customer_habits",
    "customer",
    "Habits over the last 26 weeks, and the same over the odd and the even baskets, which show how reliable they are.",
    [
        number("days_since_first", "Days since the first basket of the 26 weeks; 0 without one.", weeks(26), _HABIT),
        number("days_since_last", "Days since the last basket of the 26 weeks; 0 without one.", weeks(26), _HABIT),
        *_habit("baskets", "Baskets"),
        *_habit("basket_value", "Mean money paid for a basket"),
        *_habit("basket_lines", "Mean number of distinct products in a basket"),
        *_habit("private_label_share", "Share of the money that went to the shop's own brands", Range.SHARE),
        *_habit("discount_share", "Retail discount over (money paid + retail discount)", Range.SHARE),
        *_habit("price_position", "Mean ln(price / median price of the product type) of purchases", Range.ANY),
        *_habit("evening_share", "Share of baskets in the evening", Range.SHARE),
        *_habit("morning_share", "Share of baskets in the morning", Range.SHARE),
        *_habit("weekend_share", "Share of baskets on Saturday or Sunday", Range.SHARE),
        *_habit("coupon_share", "Share of baskets with a coupon", Range.SHARE),
        *_habit_word("store_id", "The store of most baskets"),
        *_habit("store_share", "Share of baskets in that store", Range.SHARE),
        *_habit_word("weekday", "The day of the week of most baskets, 1 is Monday"),
        *_habit("weekday_share", "Share of baskets on that day", Range.SHARE),
    ],
)

CUSTOMER_PURCHASES = FeatureTable(
    "customer_purchases",
    "customer",
    "The label: what a customer bought in the 4 weeks before the event time. For a cut c, ask at c + 4 weeks.",
    [
        Feature(
            "product_ids",
            Type.TEXTS,
            "Distinct products bought in the 4 weeks that end at the event time, by product_id.",
            weeks(4),
            BatchOnly("a label, which only training reads"),
            is_input=False,
        ),
    ],
)

_IN_CATEGORY = BatchOnly("the customer model scores what was published")

CUSTOMER_CATEGORIES = FeatureTable(
    "customer_categories",
    "customer",
    "Which categories a customer bought from, how often and how long ago: aligned arrays, one element per category; "
    "empty where no category is known.",
    [
        Feature("categories", Type.TEXTS, "Every category ever bought from, by name.", EVER, _IN_CATEGORY),
        Feature("departments", Type.TEXTS, "The category's department; '' if unknown.", source="products"),
        numbers("baskets_4w", "Baskets with the category in the last 4 weeks.", weeks(4), _IN_CATEGORY),
        numbers("baskets_8w", "Baskets with the category in the last 8 weeks.", weeks(8), _IN_CATEGORY),
        numbers("baskets_13w", "Baskets with the category in the last 13 weeks.", weeks(13), _IN_CATEGORY),
        numbers("baskets_26w", "Baskets with the category in the last 26 weeks.", weeks(26), _IN_CATEGORY),
        numbers("baskets", "Baskets with the category, ever.", EVER, _IN_CATEGORY),
        numbers("spend_26w", "Money paid for the category in the last 26 weeks.", weeks(26), _IN_CATEGORY),
        numbers("days_since_last", "Days since the category was last bought.", EVER, _IN_CATEGORY),
    ],
)

_OUTCOME = BatchOnly("a label, which only the customer model reads")

CUSTOMER_OUTCOMES = FeatureTable(
    "customer_outcomes",
    "customer",
    "The label of the customer model: actions of a customer in each of the 8 weeks before the event time, the latest "
    "week first. A customer without purchases has no row.",
    [
        numbers("weekly_baskets", "Baskets in each of the 8 weeks.", weeks(8), _OUTCOME),
        numbers("weekly_spend", "Money paid in each of the 8 weeks, in the shop's currency.", weeks(8), _OUTCOME),
    ],
)

TABLES = (
    CUSTOMER_HISTORY,
    CUSTOMER_PROFILE,
    PRODUCT_CONTENT,
    PRODUCT_ACTIVITY,
    CUSTOMER_PURCHASES,
    CUSTOMER_CATEGORIES,
    CUSTOMER_HABITS,
    CUSTOMER_OUTCOMES,
    CUSTOMER_OFFERS,
    CAMPAIGN_COUPONS,
    CUSTOMER_REDEMPTIONS,
)
