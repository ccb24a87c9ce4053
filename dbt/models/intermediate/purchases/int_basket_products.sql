with purchases as (

    select * from {{ ref('int_customer_purchases') }}

),

baskets as (

    select * from {{ ref('int_baskets') }}

),

products as (

    select * from {{ ref('int_products_keyed') }}

),

grouped as (

    select
        customer_key,
        basket_id,
        product_id,
        sum(quantity) as quantity,
        sum(spend) as spend,
        -- Its time is that of its last line.
        max(purchased_at) as purchased_at
    from purchases
    group by customer_key, basket_id, product_id

),

final as (

    select
        grouped.customer_key,
        products.product_key,
        grouped.basket_id,
        baskets.basket_number,
        grouped.quantity,
        grouped.spend,
        {{ days_between('lag(grouped.purchased_at) over same_product', 'grouped.purchased_at') }} as gap_days,
        grouped.purchased_at
    from grouped
    inner join products on grouped.product_id = products.product_id
    inner join baskets
        on grouped.customer_key = baskets.customer_key
        and grouped.basket_id = baskets.basket_id
    window same_product as (
        partition by grouped.customer_key, products.product_key
        order by grouped.purchased_at, grouped.basket_id
    )

)

select * from final
order by customer_key, product_key
