with basket_categories as (

    select * from {{ ref('int_basket_categories') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

final as (

    select
        snapshots.snapshot_at,
        basket_categories.customer_key,
        basket_categories.category_key,

        cast(count(*) as integer) as baskets,
        {% for weeks in [4, 8, 13, 26] -%}
        cast(count(*) filter (where basket_categories.purchased_at >= snapshots.since_{{ weeks }}w) as smallint)
            as baskets_{{ weeks }}w,
        {% endfor -%}
        coalesce(
            sum(basket_categories.spend) filter (where basket_categories.purchased_at >= snapshots.since_26w), 0
        ) as spend_26w,
        max(basket_categories.purchased_at) as last_purchased_at
    from basket_categories
    inner join customers on basket_categories.customer_key = customers.customer_key
    inner join snapshots
        on basket_categories.purchased_at < snapshots.snapshot_at
        and snapshots.snapshot_at > customers.snapshots_after
        and snapshots.snapshot_at <= customers.snapshots_until
    group by snapshots.snapshot_at, basket_categories.customer_key, basket_categories.category_key

)

select * from final
order by customer_key, snapshot_at
