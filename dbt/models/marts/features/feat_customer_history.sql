{%- set numbers = [
    'baskets', 'days_since_last', 'days_since_first', 'gap_mean_days', 'gap_std_days',
    'decayed_20d', 'decayed_60d', 'decayed_120d', 'decayed_240d',
    'baskets_2w', 'baskets_4w', 'baskets_8w', 'baskets_13w',
    'last_20_baskets', 'periods_4w', 'quantity', 'spend'
] -%}

with customer_products as (

    select * from {{ ref('int_customer_products') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

products as (

    select * from {{ ref('int_products_keyed') }}

),

gaps as (

    select
        *,
        {{ days_between('first_purchased_at', 'last_purchased_at') }} / nullif(baskets - 1, 0) as gap_mean
    from customer_products

),

measured as (

    select
        gaps.snapshot_at,
        gaps.customer_key,
        gaps.product_key,
        products.product_id,
        cast(gaps.baskets as real) as baskets,
        cast({{ days_between('gaps.last_purchased_at', 'gaps.snapshot_at') }} as real) as days_since_last,
        cast({{ days_between('gaps.first_purchased_at', 'gaps.snapshot_at') }} as real) as days_since_first,
        cast(coalesce(gaps.gap_mean, 0) as real) as gap_mean_days,
        -- Mean of the squares less the square of the mean; rounding may leave a tiny negative.
        cast(coalesce(
            sqrt(greatest(gaps.gap_days_squared / nullif(gaps.baskets - 1, 0) - gaps.gap_mean * gaps.gap_mean, 0)), 0
        ) as real) as gap_std_days,
        gaps.decayed_20d,
        gaps.decayed_60d,
        gaps.decayed_120d,
        gaps.decayed_240d,
        cast(gaps.baskets_2w as real) as baskets_2w,
        cast(gaps.baskets_4w as real) as baskets_4w,
        cast(gaps.baskets_8w as real) as baskets_8w,
        cast(gaps.baskets_13w as real) as baskets_13w,
        cast(gaps.last_20_baskets as real) as last_20_baskets,
        cast(gaps.periods_4w as real) as periods_4w,
        gaps.quantity,
        gaps.spend
    from gaps
    inner join products on gaps.product_key = products.product_key

),

listed as (

    select
        snapshot_at,
        customer_key,
        {{ sorted_rows(['product_id'] + numbers, 'decayed_120d desc, product_key') }} as bought
    from measured
    group by snapshot_at, customer_key

),

final as (

    select
        customers.customer_id,
        listed.snapshot_at as event_timestamp,
        listed.snapshot_at as created_timestamp,
        {% for number in numbers -%}
        {{ list_of('listed.bought', number) }} as {{ number }},
        {% endfor -%}
        {{ list_of('listed.bought', 'product_id') }} as product_ids
    from listed
    inner join customers on listed.customer_key = customers.customer_key

)

select * from final
