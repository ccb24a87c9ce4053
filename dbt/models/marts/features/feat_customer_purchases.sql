with basket_products as (

    select * from {{ ref('int_basket_products') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

products as (

    select * from {{ ref('int_products_keyed') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

bought as (

    select distinct
        snapshots.snapshot_at,
        basket_products.customer_key,
        basket_products.product_key
    from basket_products
    inner join snapshots
        on basket_products.purchased_at >= snapshots.since_4w
        and basket_products.purchased_at < snapshots.snapshot_at

),

final as (

    select
        customers.customer_id,
        bought.snapshot_at as event_timestamp,
        bought.snapshot_at as created_timestamp,
        {{ sorted_list('products.product_id') }} as product_ids
    from bought
    inner join customers
        on bought.customer_key = customers.customer_key
        and bought.snapshot_at > customers.snapshots_after
        and bought.snapshot_at <= customers.snapshots_until
    inner join products on bought.product_key = products.product_key
    group by bought.snapshot_at, customers.customer_id

)

select * from final
