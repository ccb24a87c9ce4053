with instants as (

    select * from {{ ref('int_campaign_instants') }}

),

coupons as (

    select * from {{ ref('stg_landing__coupons') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

coupon_values as (

    select * from {{ ref('stg_landing__coupon_values') }}

),

offered as (

    select
        instants.campaign_id,
        instants.offered_at,
        instants.since_13w,
        coupons.coupon_id,
        coupons.product_id
    from instants
    inner join coupons on instants.campaign_id = coupons.campaign_id

),

sales as (

    select
        offered.campaign_id,
        offered.offered_at,
        offered.coupon_id,
        count(distinct offered.product_id) as products,
        count(distinct purchases.customer_id) as buyers_13w,
        count(distinct purchases.customer_id || ' ' || purchases.basket_id) as baskets_13w,
        coalesce(sum(purchases.spend), 0) as sales_13w
    from offered
    left join purchases
        on offered.product_id = purchases.product_id
        and purchases.customer_id is not null
        and purchases.purchased_at >= offered.since_13w
        and purchases.purchased_at < offered.offered_at
        and (purchases.cancelled_at is null or purchases.cancelled_at >= offered.offered_at)
    group by offered.campaign_id, offered.offered_at, offered.coupon_id

),

final as (

    select
        sales.*,
        coalesce(of_campaign.face_value, of_coupon.face_value, 0) as face_value,
        coalesce(of_campaign.margin, of_coupon.margin, 0) as margin
    from sales
    left join coupon_values as of_campaign
        on sales.coupon_id = of_campaign.coupon_id and sales.campaign_id = of_campaign.campaign_id
    left join coupon_values as of_coupon
        on sales.coupon_id = of_coupon.coupon_id and of_coupon.campaign_id is null

)

select * from final
