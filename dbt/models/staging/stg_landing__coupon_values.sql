with source as (

    select * from {{ source('landing', 'coupon_values') }}

),

final as (

    select
        coupon_id,
        {{ clean_text('campaign_id') }} as campaign_id,
        cast(face_value as decimal(18, 4)) as face_value,
        cast(margin as decimal(18, 4)) as margin
    from source

)

select * from final
