with source as (

    select * from {{ source('landing', 'redemptions') }}

),

final as (

    select
        customer_id,
        coupon_id,
        {{ clean_text('campaign_id') }} as campaign_id,
        cast(redeemed_on as date) as redeemed_on,
        cast(row_number() over (partition by customer_id, coupon_id, campaign_id, redeemed_on) as integer)
            as redemption_number
    from source

)

select * from final
