with transactions as (

    select * from {{ ref('stg_landing__transactions') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

events as (

    select * from {{ ref('stg_landing__events') }}

),

redemptions as (

    select * from {{ ref('fct_redemptions') }}

),

coupons as (

    select * from {{ ref('stg_landing__coupons') }}

),

campaigns as (

    select distinct campaign_id from {{ ref('stg_landing__campaigns') }}

),

promotions as (

    select * from {{ ref('int_promotion_periods') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

event_purchases as (

    select * from events
    where event_type = 'purchase'

),

provisional as (

    select count(*) as lines
    from purchases
    where is_provisional

),

counted as (

    select
        'transactions' as table_name,
        'goods or money went back: a return is no purchase' as reason,
        count(case when is_return then 1 end) as left_out,
        count(*) as all_rows,
        min(case when is_return then 'product ' || product_id end) as example
    from transactions

    union all

    select
        'transactions' as table_name,
        'the order was cancelled within {{ var("cancellation_days") }} days' as reason,
        count(cancelled_at) as left_out,
        count(*) as all_rows,
        min(case when cancelled_at is not null then 'product ' || product_id end) as example
    from purchases
    where not is_provisional

    union all

    select
        'transactions' as table_name,
        'no customer is named: the line counts for its product and belongs to nobody' as reason,
        count(*) - count(customer_id) as left_out,
        count(*) as all_rows,
        min(case when customer_id is null then 'product ' || product_id end) as example
    from purchases
    where not is_provisional

    union all

    select
        'events' as table_name,
        'a purchase of a day that receipts have reached, or with a negative quantity or price' as reason,
        count(*) - coalesce(max(provisional.lines), 0) as left_out,
        count(*) as all_rows,
        min('product ' || event_purchases.product_id) as example
    from event_purchases
    cross join provisional

    union all

    select
        'redemptions' as table_name,
        'the coupon is not listed for the campaign, so no product is known' as reason,
        count(case when products_covered = 0 then 1 end) as left_out,
        count(*) as all_rows,
        min(case when products_covered = 0 then 'coupon ' || coupon_id end) as example
    from redemptions

    union all

    select
        'coupons' as table_name,
        'no row of campaigns says when the campaign runs' as reason,
        count(*) - count(campaigns.campaign_id) as left_out,
        count(*) as all_rows,
        min(case when campaigns.campaign_id is null then 'campaign ' || coupons.campaign_id end) as example
    from coupons
    left join campaigns on coupons.campaign_id = campaigns.campaign_id

    union all

    select
        'promotions' as table_name,
        'the product is neither in the catalogue nor ever sold' as reason,
        coalesce(sum(case when products.product_id is null then promotions.landed_rows end), 0) as left_out,
        coalesce(sum(promotions.landed_rows), 0) as all_rows,
        min(case when products.product_id is null then 'product ' || promotions.product_id end) as example
    from promotions
    left join products on promotions.product_id = products.product_id

),

final as (

    select
        table_name,
        reason,
        cast(left_out as bigint) as left_out,
        cast(all_rows as bigint) as all_rows,
        example
    from counted

)

select * from final
