-- How near a coupon is to what a customer buys: baskets in the categories of its products, each category by its share
-- of these products. It distinguishes coupons whose products the customer never bought.
with reached as (

    select * from {{ ref('int_campaign_customers') }}

),

instants as (

    select * from {{ ref('int_campaign_instants') }}

),

coupons as (

    select * from {{ ref('stg_landing__coupons') }}

),

products as (

    select * from {{ ref('stg_landing__products') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

covered as (

    select
        coupons.campaign_id,
        coupons.coupon_id,
        products.category,
        count(*) as products
    from coupons
    inner join products on coupons.product_id = products.product_id
    where products.category is not null
    group by coupons.campaign_id, coupons.coupon_id, products.category

),

shares as (

    select
        campaign_id,
        coupon_id,
        category,
        products / sum(products) over (partition by campaign_id, coupon_id) as weight
    from covered

),

windows as (

    select distinct
        offered_at,
        since_13w
    from instants

),

customers as (

    select distinct
        reached.offered_at,
        reached.customer_id,
        windows.since_13w
    from reached
    inner join windows on reached.offered_at = windows.offered_at

),

bought as (

    select
        customers.offered_at,
        customers.customer_id,
        products.category,
        count(distinct purchases.basket_id) as baskets_13w
    from customers
    inner join purchases
        on customers.customer_id = purchases.customer_id
        and customers.since_13w <= purchases.purchased_at
        and customers.offered_at > purchases.purchased_at
        and (purchases.cancelled_at is null or purchases.cancelled_at >= customers.offered_at)
    inner join products on purchases.product_id = products.product_id
    where products.category is not null
    group by customers.offered_at, customers.customer_id, products.category

),

final as (

    select
        reached.campaign_id,
        reached.offered_at,
        reached.customer_id,
        shares.coupon_id,
        {{ order_independent_sum('shares.weight * bought.baskets_13w', 20) }} as category_baskets_13w,
        {{ order_independent_sum('shares.weight', 20) }} as category_share
    from reached
    inner join bought
        on reached.offered_at = bought.offered_at
        and reached.customer_id = bought.customer_id
    inner join shares
        on reached.campaign_id = shares.campaign_id
        and bought.category = shares.category
    group by reached.campaign_id, reached.offered_at, reached.customer_id, shares.coupon_id

)

select * from final
