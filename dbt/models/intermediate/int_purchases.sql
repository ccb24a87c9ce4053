with transactions as (

    select * from {{ ref('stg_landing__transactions') }}

),

final as (

    select
        customer_id,
        basket_id,
        product_id,
        store_id,
        quantity,
        sales_value as spend,
        retail_discount,
        coupon_discount,
        coupon_match_discount,
        transaction_at as purchased_at
    from transactions
    where not is_return

)

select * from final
