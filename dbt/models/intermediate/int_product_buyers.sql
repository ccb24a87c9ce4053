with customer_products as (

    select * from {{ ref('int_customer_products') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

final as (

    select
        customer_products.snapshot_at,
        customer_products.product_number,
        {% for weeks in [1, 2, 4, 8, 13, 26] -%}
        count(*) filter (where customer_products.baskets_{{ weeks }}w > 0) as buyers_{{ weeks }}w,
        {% endfor -%}
        count(*) as buyers,
        sum(customer_products.baskets_4w) as baskets_4w,
        sum(customer_products.baskets_13w) as baskets_13w,
        sum(customer_products.baskets) as baskets,
        count(*) filter (where customer_products.first_purchased_at >= snapshots.since_4w) as first_buyers_4w,
        count(*) filter (where customer_products.first_purchased_at >= snapshots.since_8w) as first_buyers_8w,
        count(*) filter (where customer_products.baskets >= 2) as rebuyers,
        min(customer_products.first_purchased_at) as first_sold_at,
        max(customer_products.last_purchased_at) as last_sold_at
    from customer_products
    inner join snapshots on customer_products.snapshot_at = snapshots.snapshot_at
    group by customer_products.snapshot_at, customer_products.product_number

)

select * from final
