with basket_products as (

    select * from {{ ref('int_basket_products') }}

),

customers as (

    select * from {{ ref('int_customers_numbered') }}

),

products as (

    select * from {{ ref('int_products_numbered') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

bought as (

    select distinct
        snapshots.snapshot_at,
        customers.customer_id,
        products.product_id
    from basket_products
    inner join snapshots
        on basket_products.purchased_at >= snapshots.since_4w
        and basket_products.purchased_at < snapshots.snapshot_at
    inner join customers on basket_products.customer_number = customers.customer_number
    inner join products on basket_products.product_number = products.product_number

),

final as (

    select
        customer_id,
        snapshot_at as event_timestamp,
        snapshot_at as created_timestamp,
        {{ sorted_list('product_id') }} as product_ids
    from bought
    group by snapshot_at, customer_id

)

select * from final
