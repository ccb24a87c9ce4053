with products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        product_id,
        -- Undated facts count as always true and always known.
        timestamp '1970-01-01 00:00:00' as event_timestamp,
        timestamp '1970-01-01 00:00:00' as created_timestamp,
        product_name,
        department,
        category,
        product_type,
        brand,
        manufacturer_id,
        package_size
    from products

)

select * from final
