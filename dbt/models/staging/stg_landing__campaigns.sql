with source as (

    select * from {{ source('landing', 'campaigns') }}

),

final as (

    select
        campaign_id,
        customer_id,
        {{ clean_text('campaign_type') }} as campaign_type,
        cast(starts_on as date) as starts_on,
        cast(ends_on as date) as ends_on
    from source

)

select * from final
