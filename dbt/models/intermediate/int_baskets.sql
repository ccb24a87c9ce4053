with purchases as (

    select * from {{ ref('int_purchases') }}

),

customers as (

    select * from {{ ref('int_customers_numbered') }}

),

grouped as (

    select
        customer_id,
        basket_id,
        min(store_id) as store_id,
        count(distinct product_id) as products,
        sum(spend) as spend,
        sum(retail_discount) as retail_discount,
        -- Known when its last line is known.
        max(purchased_at) as purchased_at
    from purchases
    group by customer_id, basket_id

),

final as (

    select
        customers.customer_number,
        grouped.basket_id,
        row_number() over (
            partition by customers.customer_number
            order by grouped.purchased_at, grouped.basket_id
        ) as basket_number,
        grouped.store_id,
        grouped.products,
        grouped.spend,
        grouped.retail_discount,
        grouped.purchased_at
    from grouped
    inner join customers on grouped.customer_id = customers.customer_id

)

select * from final
