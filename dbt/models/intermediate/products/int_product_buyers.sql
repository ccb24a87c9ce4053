with purchases as (

    select * from {{ ref('int_purchases') }}

),

products as (

    select * from {{ ref('int_products_keyed') }}

),

customer_products as (

    select * from {{ ref('int_customer_products') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

customer_sales as (

    select
        customer_products.snapshot_at,
        customer_products.product_key,
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
    group by customer_products.snapshot_at, customer_products.product_key

),

-- Baskets without a customer are sales of the product without a buyer.
guest_baskets as (

    select
        products.product_key,
        purchases.basket_id,
        max(purchases.purchased_at) as purchased_at
    from purchases
    inner join products on purchases.product_id = products.product_id
    where purchases.customer_id is null
    group by products.product_key, purchases.basket_id

),

guest_sales as (

    select
        snapshots.snapshot_at,
        guest_baskets.product_key,
        count(*) filter (where guest_baskets.purchased_at >= snapshots.since_4w) as baskets_4w,
        count(*) filter (where guest_baskets.purchased_at >= snapshots.since_13w) as baskets_13w,
        count(*) as baskets,
        min(guest_baskets.purchased_at) as first_sold_at,
        max(guest_baskets.purchased_at) as last_sold_at
    from guest_baskets
    inner join snapshots on guest_baskets.purchased_at < snapshots.snapshot_at
    group by snapshots.snapshot_at, guest_baskets.product_key

),

final as (

    select
        coalesce(customer_sales.snapshot_at, guest_sales.snapshot_at) as snapshot_at,
        coalesce(customer_sales.product_key, guest_sales.product_key) as product_key,
        {% for weeks in [1, 2, 4, 8, 13, 26] -%}
        coalesce(customer_sales.buyers_{{ weeks }}w, 0) as buyers_{{ weeks }}w,
        {% endfor -%}
        coalesce(customer_sales.buyers, 0) as buyers,
        {% for count in ['baskets_4w', 'baskets_13w', 'baskets'] -%}
        coalesce(customer_sales.{{ count }}, 0) + coalesce(guest_sales.{{ count }}, 0) as {{ count }},
        {% endfor -%}
        {% for count in ['first_buyers_4w', 'first_buyers_8w', 'rebuyers'] -%}
        coalesce(customer_sales.{{ count }}, 0) as {{ count }},
        {% endfor -%}
        -- least() and greatest() pass over NULLs
        least(customer_sales.first_sold_at, guest_sales.first_sold_at) as first_sold_at,
        greatest(customer_sales.last_sold_at, guest_sales.last_sold_at) as last_sold_at
    from customer_sales
    full outer join guest_sales
        on customer_sales.snapshot_at = guest_sales.snapshot_at and customer_sales.product_key = guest_sales.product_key

)

select * from final
