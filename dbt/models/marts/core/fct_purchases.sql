with purchases as (

    select * from {{ ref('int_purchases') }}

),

final as (

    select
        customer_id,
        basket_id,
        product_id,
        store_id,
        quantity,
        spend,
        retail_discount,
        coupon_discount,
        coupon_match_discount,
        is_provisional,
        {{ local_date('purchased_at') }} as purchased_on,
        purchased_at,
        cancelled_at
    from purchases

)

select * from final
