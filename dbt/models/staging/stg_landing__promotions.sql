with source as (

    select * from {{ source('landing', 'promotions') }}

),

final as (

    select
        product_id,
        {{ clean_text('store_id') }} as store_id,

        -- '0' is the sources' code for "not in the mailer", "not on display".
        nullif({{ clean_text('mailer') }}, '0') is not null as has_mailer,
        nullif({{ clean_text('display') }}, '0') is not null as has_display,

        cast(starts_on as date) as starts_on,
        cast(ends_on as date) as ends_on
    from source

)

select * from final
