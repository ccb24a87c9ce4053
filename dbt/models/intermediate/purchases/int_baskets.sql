with purchases as (

    select * from {{ ref('int_customer_purchases') }}

),

grouped as (

    select
        customer_key,
        basket_id,
        min(store_id) as store_id,
        count(distinct product_id) as products,
        sum(spend) as spend,
        sum(retail_discount) as retail_discount,
        -- Its time is that of its last line.
        max(purchased_at) as purchased_at
    from purchases
    group by customer_key, basket_id

),

final as (

    select
        customer_key,
        basket_id,
        row_number() over (
            partition by customer_key
            order by purchased_at, basket_id
        ) as basket_number,
        store_id,
        products,
        spend,
        retail_discount,
        purchased_at
    from grouped

)

select * from final
