-- Only what was bought and not cancelled before the instant counts, so nothing after a campaign's start is known.
with reached as (

    select * from {{ ref('int_campaign_customers') }}

),

instants as (

    select * from {{ ref('int_campaign_instants') }}

),

coupons as (

    select * from {{ ref('stg_landing__coupons') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

offered as (

    select
        instants.campaign_id,
        instants.offered_at,
        instants.since_4w,
        instants.since_13w,
        coupons.coupon_id,
        coupons.product_id
    from instants
    inner join coupons on instants.campaign_id = coupons.campaign_id

),

final as (

    select
        offered.campaign_id,
        offered.offered_at,
        reached.customer_id,
        offered.coupon_id,
        count(distinct purchases.basket_id) as own_baskets,
        count(distinct purchases.basket_id) filter (where purchases.purchased_at >= offered.since_13w)
            as own_baskets_13w,
        count(distinct purchases.basket_id) filter (where purchases.purchased_at >= offered.since_4w)
            as own_baskets_4w,
        coalesce(sum(purchases.spend) filter (where purchases.purchased_at >= offered.since_13w), 0)
            as own_spend_13w,
        sum(purchases.spend) as own_spend,
        max(purchases.purchased_at) as last_purchased_at
    from reached
    inner join purchases
        on reached.customer_id = purchases.customer_id
        and reached.offered_at > purchases.purchased_at
        and (purchases.cancelled_at is null or purchases.cancelled_at >= reached.offered_at)
    inner join offered
        on reached.campaign_id = offered.campaign_id
        and reached.offered_at = offered.offered_at
        and purchases.product_id = offered.product_id
    group by offered.campaign_id, offered.offered_at, reached.customer_id, offered.coupon_id

)

select * from final
