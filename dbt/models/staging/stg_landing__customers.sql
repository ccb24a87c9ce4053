with source as (

    select * from {{ source('landing', 'customers') }}

),

final as (

    select
        customer_id,
        {{ clean_text('age_band') }} as age_band,
        {{ clean_text('income_band') }} as income_band,
        {{ clean_text('home_ownership') }} as home_ownership,
        {{ clean_text('marital_status') }} as marital_status,
        {{ clean_text('household_size') }} as household_size,
        {{ clean_text('household_composition') }} as household_composition,
        {{ clean_text('kids_count') }} as kids_count
    from source

)

select * from final
