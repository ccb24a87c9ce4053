"""The features by name, type and meaning: the contract between dbt's tables and everyone who reads them.

To add a feature: one line here, after the column is in dbt's model. Its type must be the column's own type,
for `publish` compares the two.
"""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Array, Float32, Float64, String

from feature_repo.entities import OWNER, customer, product

ONE_DAY = timedelta(days=1)


def _numbers(**meaning: str) -> list[Field]:
    return [Field(name=name, dtype=Float64, description=text) for name, text in meaning.items()]


def _texts(**meaning: str) -> list[Field]:
    return [Field(name=name, dtype=String, description=text) for name, text in meaning.items()]


def _arrays(**meaning: str) -> list[Field]:
    return [Field(name=name, dtype=Array(Float32), description=text) for name, text in meaning.items()]


CUSTOMER_HISTORY = [
    Field(
        name="product_ids",
        dtype=Array(String),
        description="Every product ever bought, by decayed_120d descending, then product_id.",
    ),
    *_arrays(
        baskets="Distinct baskets that held the product; like all arrays here, aligned with product_ids.",
        days_since_last="Days since the product was last bought.",
        days_since_first="Days since the product was first bought.",
        gap_mean_days="Mean days between purchases of the product; 0 after one basket.",
        gap_std_days="Standard deviation of the days between purchases; 0 if fewer than two gaps.",
        decayed_20d="Sum over baskets of exp(-age/20 days).",
        decayed_60d="Sum over baskets of exp(-age/60 days).",
        decayed_120d="Sum over baskets of exp(-age/120 days).",
        decayed_240d="Sum over baskets of exp(-age/240 days).",
        baskets_2w="Baskets with the product in the last 2 weeks.",
        baskets_4w="Baskets with the product in the last 4 weeks.",
        baskets_8w="Baskets with the product in the last 8 weeks.",
        baskets_13w="Baskets with the product in the last 13 weeks.",
        last_20_baskets="Baskets with the product among the customer's last 20.",
        periods_4w="Four-week periods, counted back from the snapshot, in which it was bought.",
        quantity="Units bought, ever.",
        spend="Money paid for the product, ever, in the shop's currency.",
    ),
]

CUSTOMER_PROFILE = [
    *_numbers(
        baskets="Baskets, ever.",
        baskets_4w="Baskets in the last 4 weeks.",
        baskets_13w="Baskets in the last 13 weeks.",
        days_since_last_basket="Days since the last basket.",
        days_since_first_basket="Days since the first basket.",
        gap_mean_days="Mean days between baskets; 0 after one basket.",
        spend_4w="Money paid in the last 4 weeks.",
        spend_13w="Money paid in the last 13 weeks.",
        products="Distinct products bought, ever.",
        basket_size_mean="Mean number of distinct products in a basket.",
        new_product_share_8w="Share of the last 8 weeks' product purchases that were first ones.",
        discount_share="Retail discount over (money paid + retail discount), ever.",
        coupon_redemptions="Coupons redeemed, ever.",
        campaigns_received="Campaigns received, ever.",
    ),
    *_texts(
        age_band="Age band; '' is unknown, as in every text feature.",
        income_band="Income band.",
        home_ownership="Owner, renter or unknown.",
        marital_status="Marital status.",
        household_size="Persons in the household.",
        household_composition="Who lives in the household.",
        kids_count="Children in the household.",
        store_id="The store visited most in the last 26 weeks.",
    ),
]

PRODUCT_CONTENT = _texts(
    product_name="The name a customer reads.",
    department="Department: the coarsest level of the catalogue.",
    category="Category: the level below the department.",
    product_type="Product type: the finest level of the catalogue.",
    brand="Brand.",
    manufacturer_id="Manufacturer.",
    package_size="Package size as the catalogue writes it.",
)

PRODUCT_ACTIVITY = _numbers(
    buyers_1w="Customers who bought it in the last week.",
    buyers_2w="Customers who bought it in the last 2 weeks.",
    buyers_4w="Customers who bought it in the last 4 weeks.",
    buyers_8w="Customers who bought it in the last 8 weeks.",
    buyers_13w="Customers who bought it in the last 13 weeks.",
    buyers_26w="Customers who bought it in the last 26 weeks.",
    buyers="Customers who ever bought it.",
    baskets_4w="Baskets with it in the last 4 weeks.",
    baskets_13w="Baskets with it in the last 13 weeks.",
    baskets="Baskets with it, ever.",
    first_buyers_4w="Customers who bought it for the first time in the last 4 weeks.",
    first_buyers_8w="Customers who bought it for the first time in the last 8 weeks.",
    rebuyers="Customers with two baskets of it or more.",
    rebuy_rate="Share of buyers who came back for it, smoothed towards a prior.",
    days_since_first_sale="Days since it was first sold.",
    days_since_last_sale="Days since it was last sold.",
    price="Median unit price paid in the last 13 weeks, else ever.",
    price_ratio_in_type="Price over the median price of its product type; 1 if unknown.",
    discount_depth_4w="Share of retail discount in the last 4 weeks' sales.",
    share_in_type_8w="Its buyers over all buyers of its product type, last 8 weeks.",
    share_in_category_8w="Its buyers over all buyers of its category, last 8 weeks.",
    trend="Log ratio of the last 4 weeks' buyers to the 9 weeks' before, per week.",
    stores_13w="Stores that sold it in the last 13 weeks.",
    mailer_stores="Share of stores with it in the mailer, in the week before.",
    display_stores="Share of stores with it on display, in the week before.",
    mailer_stores_next="Share of store-weeks with it in the planned mailers of the next 4 weeks.",
    display_stores_next="Share of store-weeks with it on planned displays of the next 4 weeks.",
    mailer_stores_next_1w="Share of stores with it in the planned mailer of the next week.",
    display_stores_next_1w="Share of stores with it on planned display in the next week.",
    coupons_active="Running coupon campaigns that cover it.",
)

CUSTOMER_PURCHASES = [
    Field(
        name="product_ids",
        dtype=Array(String),
        description="Distinct products bought in the 4 weeks that end at the event time, by product_id.",
    )
]


def feature_views(sources: dict[str, FileSource], snapshot_step: timedelta) -> list[FeatureView]:
    """All views.

    snapshot_step: the time between two snapshots, in whole days (Feast's DuckDB store takes no other validity). A
        snapshot's row is valid until the next one: a product neither sold nor promoted since then, or a question
        long after the newest snapshot, gets nothing rather than something stale.
    """

    def view(name: str, about: Entity, schema: list[Field], ttl: timedelta, online: bool, text: str) -> FeatureView:
        return FeatureView(
            name=name,
            entities=[about],
            schema=[Field(name=about.join_key, dtype=String, description=about.description), *schema],
            source=sources[f"feat_{name}"],
            ttl=ttl,
            online=online,
            description=text,
            owner=OWNER,
        )

    return [
        view(
            "customer_history",
            customer,
            CUSTOMER_HISTORY,
            snapshot_step,
            True,
            "What a customer bought, how often and how long ago: aligned arrays, one element a product.",
        ),
        view(
            "customer_profile",
            customer,
            CUSTOMER_PROFILE,
            snapshot_step,
            True,
            "A customer as a whole: rhythm, spend, appetite for new things and discounts, and known traits.",
        ),
        view(
            "product_content",
            product,
            PRODUCT_CONTENT,
            timedelta(0),  # undated facts never expire
            False,
            "What the catalogue says about a product.",
        ),
        view(
            "product_activity",
            product,
            PRODUCT_ACTIVITY,
            snapshot_step,
            False,
            "How a product sells, what it costs and how it is promoted, at a snapshot.",
        ),
        view(
            "customer_purchases",
            customer,
            CUSTOMER_PURCHASES,
            ONE_DAY,  # a customer who bought nothing in *this* window must not get an earlier window's label
            False,
            "The label: what a customer bought in the 4 weeks before the event time. For a cut c, ask at c + 4 weeks.",
        ),
    ]
