with source as (

    select * from {{ source('landing', 'products') }}

),

final as (

    select
        product_id,
        {{ clean_text('product_name') }} as product_name,
        {{ clean_text('department') }} as department,
        {{ clean_text('category') }} as category,
        {{ clean_text('product_type') }} as product_type,
        {{ clean_text('brand') }} as brand,
        {{ clean_text('manufacturer_id') }} as manufacturer_id,
        {{ clean_text('package_size') }} as package_size
    from source

)

select * from final
