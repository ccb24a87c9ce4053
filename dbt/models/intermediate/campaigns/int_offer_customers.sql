with reached as (

    select * from {{ ref('int_campaign_customers') }}

),

instants as (

    select * from {{ ref('int_campaign_instants') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

redemptions as (

    select * from {{ ref('stg_landing__redemptions') }}

),

contacts as (

    select * from {{ ref('stg_landing__campaigns') }}

),

windows as (

    select distinct
        offered_at,
        offered_on,
        since_4w,
        since_13w
    from instants

),

offered as (

    select distinct
        offered_at,
        customer_id
    from reached

),

bought as (

    select
        offered.offered_at,
        offered.customer_id,
        coalesce(sum(purchases.spend) filter (where purchases.purchased_at >= windows.since_13w), 0) as spend_13w,
        count(distinct purchases.basket_id) filter (where purchases.purchased_at >= windows.since_13w) as baskets_13w,
        count(distinct purchases.basket_id) filter (where purchases.purchased_at >= windows.since_4w) as baskets_4w,
        count(distinct purchases.product_id) as products,
        max(purchases.purchased_at) as last_purchased_at
    from offered
    inner join windows on offered.offered_at = windows.offered_at
    inner join purchases
        on offered.customer_id = purchases.customer_id
        and offered.offered_at > purchases.purchased_at
        and (purchases.cancelled_at is null or purchases.cancelled_at >= offered.offered_at)
    group by offered.offered_at, offered.customer_id

),

redeemed as (

    select
        offered.offered_at,
        offered.customer_id,
        count(*) as coupons_redeemed,
        count(*) filter (where redemptions.redeemed_on >= {{ days_after('windows.offered_on', -91) }})
            as coupons_redeemed_13w,
        count(distinct redemptions.campaign_id) as campaigns_redeemed
    from offered
    inner join windows on offered.offered_at = windows.offered_at
    inner join redemptions
        on offered.customer_id = redemptions.customer_id
        and windows.offered_on > redemptions.redeemed_on
    group by offered.offered_at, offered.customer_id

),

received as (

    select
        offered.offered_at,
        offered.customer_id,
        count(distinct contacts.campaign_id) as campaigns_before
    from offered
    inner join windows on offered.offered_at = windows.offered_at
    inner join contacts
        on offered.customer_id = contacts.customer_id
        and windows.offered_on > contacts.starts_on
    group by offered.offered_at, offered.customer_id

),

final as (

    -- A customer of a campaign who never bought before it has no row: nothing is known to choose a coupon by.
    select
        bought.offered_at,
        bought.customer_id,
        bought.spend_13w,
        bought.baskets_13w,
        bought.baskets_4w,
        bought.products,
        bought.last_purchased_at,
        coalesce(redeemed.coupons_redeemed, 0) as coupons_redeemed,
        coalesce(redeemed.coupons_redeemed_13w, 0) as coupons_redeemed_13w,
        coalesce(redeemed.campaigns_redeemed, 0) as campaigns_redeemed,
        coalesce(received.campaigns_before, 0) as campaigns_before
    from bought
    left join redeemed
        on bought.offered_at = redeemed.offered_at
        and bought.customer_id = redeemed.customer_id
    left join received
        on bought.offered_at = received.offered_at
        and bought.customer_id = received.customer_id

)

select * from final
