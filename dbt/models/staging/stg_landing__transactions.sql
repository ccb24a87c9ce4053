with source as (

    select * from {{ source('landing', 'transactions') }}

),

final as (

    select
        customer_id,
        basket_id,
        product_id,
        {{ clean_text('store_id') }} as store_id,

        cast(quantity as decimal(18, 4)) as quantity,
        -- To a hundredth of a cent: the sources' binary fractions (4.4e-16 for a free line) become exact.
        cast(sales_value as decimal(18, 4)) as sales_value,
        -- Some tills write a discount as money off (1.50), some as a change of price (-1.50).
        cast(abs(coalesce(retail_discount, 0)) as decimal(18, 4)) as retail_discount,
        cast(abs(coalesce(coupon_discount, 0)) as decimal(18, 4)) as coupon_discount,
        cast(abs(coalesce(coupon_match_discount, 0)) as decimal(18, 4)) as coupon_match_discount,

        quantity < 0 or sales_value < 0 as is_return,

        transaction_at
    from source

)

select * from final
