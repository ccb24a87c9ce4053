with source as (

    select * from {{ source('landing', 'coupons') }}

),

final as (

    -- The demo lists 2 % of its coupons twice.
    select distinct
        coupon_id,
        product_id,
        campaign_id
    from source

)

select * from final
