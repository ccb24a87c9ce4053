with customer_baskets as (

    select * from {{ ref('int_customer_baskets') }}

),

customer_products as (

    select * from {{ ref('int_customer_products') }}

),

marketing as (

    select * from {{ ref('int_customer_marketing') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

keys as (

    select * from {{ ref('int_customers_keyed') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

variety as (

    select
        customer_products.snapshot_at,
        customer_products.customer_key,
        count(*) as products,
        sum(customer_products.baskets_8w) as basket_products_8w,
        count(*) filter (where customer_products.first_purchased_at >= snapshots.since_8w) as new_products_8w
    from customer_products
    inner join snapshots on customer_products.snapshot_at = snapshots.snapshot_at
    group by customer_products.snapshot_at, customer_products.customer_key

),

final as (

    select
        customers.customer_id,
        baskets.snapshot_at as event_timestamp,
        baskets.snapshot_at as created_timestamp,

        cast(baskets.baskets as double) as baskets,
        cast(baskets.baskets_4w as double) as baskets_4w,
        cast(baskets.baskets_13w as double) as baskets_13w,
        {{ days_between('baskets.last_purchased_at', 'baskets.snapshot_at') }} as days_since_last_basket,
        {{ days_between('baskets.first_purchased_at', 'baskets.snapshot_at') }} as days_since_first_basket,
        coalesce(
            {{ days_between('baskets.first_purchased_at', 'baskets.last_purchased_at') }}
            / nullif(baskets.baskets - 1, 0), 0
        ) as gap_mean_days,
        cast(baskets.spend_4w as double) as spend_4w,
        cast(baskets.spend_13w as double) as spend_13w,
        cast(variety.products as double) as products,
        cast(baskets.basket_products as double) / baskets.baskets as basket_size_mean,
        coalesce(cast(variety.new_products_8w as double) / nullif(variety.basket_products_8w, 0), 0)
            as new_product_share_8w,
        coalesce(
            cast(baskets.retail_discount as double)
            / nullif(cast(baskets.spend + baskets.retail_discount as double), 0), 0
        ) as discount_share,
        cast(coalesce(marketing.coupon_redemptions, 0) as double) as coupon_redemptions,
        cast(coalesce(marketing.campaigns_received, 0) as double) as campaigns_received,

        customers.age_band,
        customers.income_band,
        customers.home_ownership,
        customers.marital_status,
        customers.household_size,
        customers.household_composition,
        customers.kids_count,
        coalesce(baskets.store_id, '') as store_id
    from customer_baskets as baskets
    inner join keys on baskets.customer_key = keys.customer_key
    inner join customers on keys.customer_id = customers.customer_id
    inner join variety
        on baskets.snapshot_at = variety.snapshot_at
        and baskets.customer_key = variety.customer_key
    left join marketing
        on baskets.snapshot_at = marketing.snapshot_at
        and keys.customer_id = marketing.customer_id

)

select * from final
