with products as (

    select * from {{ ref('stg_landing__products') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

sold as (

    select distinct product_id from purchases

),

-- Receipts may contain products that the catalogue lacks. Such a product gets a row with unknown values.
described as (

    select
        coalesce(products.product_id, sold.product_id) as product_id,
        products.product_name,
        {% for column in ['department', 'category', 'product_type', 'brand', 'manufacturer_id', 'package_size'] -%}
        coalesce(products.{{ column }}, '') as {{ column }},
        {% endfor -%}
        products.product_id is not null as is_in_catalogue,
        sold.product_id is not null as is_sold
    from products
    full outer join sold on products.product_id = sold.product_id

),

named as (

    select
        *,
        -- The most precise word the catalogue has for it.
        coalesce(nullif(product_type, ''), nullif(category, ''), nullif(department, ''), '') as kind
    from described

),

final as (

    select
        product_id,
        coalesce(
            product_name,
            case
                when kind <> '' then
                    trim({{ title_case('kind') }} || ' ' || lower(package_size))
                    || case when brand <> '' then ', ' || brand else '' end
            end,
            ''
        ) as product_name,
        department,
        category,
        product_type,
        brand,
        manufacturer_id,
        package_size,
        is_in_catalogue,
        is_sold
    from named

)

select * from final
