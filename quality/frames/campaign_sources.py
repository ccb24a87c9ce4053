"""When a feature of the tables that campaigns date may be zero everywhere; rules as in `quality.frames.sources`."""

_STARTED = (
    "FROM (SELECT min(day) AS oldest, max(day) AS newest FROM moment) AS span"
    " JOIN campaign AS sent ON sent.starts_on > oldest AND sent.starts_on < newest AND sent.ends_on >= sent.starts_on"
)
_BEFORE_IT = " JOIN customer ON customer.customer_id = sent.customer_id AND customer.first_at < sent.starts_on - 2"
_REDEEMED = (
    _STARTED + _BEFORE_IT + " JOIN redemption ON redemption.customer_id = sent.customer_id AND redeemed_on < starts_on"
)
_BOUGHT_BEFORE_IT = " JOIN line ON bought_at < sent.starts_on - 2"
_WITHIN = " AND bought_at > sent.starts_on - {days}"
_OWN = _STARTED + _BOUGHT_BEFORE_IT + " AND line.customer_id = sent.customer_id"
_COVERED = " JOIN coupon ON coupon.campaign_id = sent.campaign_id AND coupon.product_id = line.product_id"
_IN_CATEGORY = (
    _OWN + _WITHIN.format(days=89) + " JOIN product ON product.product_id = line.product_id"
    " JOIN product AS alike ON alike.category = product.category AND trim(alike.category) <> ''"
    " JOIN coupon ON coupon.campaign_id = sent.campaign_id AND coupon.product_id = alike.product_id"
)
_SOLD_BEFORE_IT = (
    _STARTED + _BOUGHT_BEFORE_IT + _WITHIN.format(days=89) + " AND line.customer_id IS NOT NULL" + _COVERED
)
_VALUED = (
    "FROM (SELECT max(day) AS newest FROM moment) AS span JOIN campaign AS sent ON starts_on < newest"
    " AND ends_on >= newest JOIN coupon USING (campaign_id) JOIN coupon_value USING (coupon_id)"
    " WHERE (coupon_value.campaign_id IS NULL OR coupon_value.campaign_id = sent.campaign_id)"
)

CAMPAIGN_RULES = {
    "total_baskets_13w": _OWN + _WITHIN.format(days=89),
    "total_baskets_4w": _OWN + _WITHIN.format(days=26),
    "total_spend_13w": _OWN + _WITHIN.format(days=89) + " AND sales_value > 0.01",
    "coupons_redeemed": _REDEEMED,
    "coupons_redeemed_13w": _REDEEMED + " AND redeemed_on > starts_on - 90",
    "campaigns_redeemed": _REDEEMED + " AND redemption.campaign_id IS NOT NULL",
    "campaigns_before": _STARTED + _BEFORE_IT + " JOIN campaign AS earlier ON earlier.customer_id = sent.customer_id"
    " AND earlier.starts_on < sent.starts_on",
    "own_baskets": _OWN + _COVERED,
    "own_baskets_13w": _OWN + _WITHIN.format(days=89) + _COVERED,
    "own_baskets_4w": _OWN + _WITHIN.format(days=26) + _COVERED,
    "own_spend": _OWN + _COVERED + " WHERE sales_value > 0.01",
    "own_spend_13w": _OWN + _WITHIN.format(days=89) + _COVERED + " WHERE sales_value > 0.01",
    "own_days_since_last": _OWN + _COVERED,
    "category_baskets_13w": _IN_CATEGORY,
    "category_share": _IN_CATEGORY,
    "coupon_buyers_13w": _SOLD_BEFORE_IT,
    "coupon_baskets_13w": _SOLD_BEFORE_IT,
    "coupon_sales_13w": _SOLD_BEFORE_IT + " WHERE sales_value > 0.01",
    "face_value": _VALUED,
    "margin": _VALUED + " AND margin <> 0",
}
"""By the feature's name."""
