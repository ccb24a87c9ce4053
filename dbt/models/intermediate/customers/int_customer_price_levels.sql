{%- set halves = {
    '': 'true', '_odd': 'basket_products.basket_number % 2 = 1', '_even': 'basket_products.basket_number % 2 = 0'
} -%}

with basket_products as (

    select * from {{ ref('int_basket_products') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

prices as (

    select * from {{ ref('int_product_prices') }}

),

keys as (

    select * from {{ ref('int_products_keyed') }}

),

products as (

    select * from {{ ref('stg_landing__products') }}

),

typed as (

    select
        prices.snapshot_at,
        prices.product_key,
        prices.price,
        {{ median_of('prices.price') }} over (
            partition by prices.snapshot_at, products.product_type
        ) as type_price
    from prices
    inner join keys on prices.product_key = keys.product_key
    inner join products on keys.product_id = products.product_id
    where prices.price is not null and products.product_type is not null

),

-- Rounded, so that sums are exact and the same in any order.
levels as (

    select
        snapshot_at,
        product_key,
        cast(round(ln(price / type_price) * 1000000) as bigint) as log_ratio
    from typed

),

final as (

    select
        {% for half, condition in halves.items() -%}
        count(*) filter (where {{ condition }}) as lines{{ half }},
        coalesce(sum(levels.log_ratio) filter (where {{ condition }}), 0) / 1000000.0 as log_ratio{{ half }},
        {% endfor -%}
        snapshots.snapshot_at,
        basket_products.customer_key
    from basket_products
    inner join snapshots
        on basket_products.purchased_at >= snapshots.since_26w
        and basket_products.purchased_at < snapshots.snapshot_at
    inner join levels
        on snapshots.snapshot_at = levels.snapshot_at
        and basket_products.product_key = levels.product_key
    group by snapshots.snapshot_at, basket_products.customer_key

)

select * from final
