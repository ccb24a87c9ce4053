with customer_products as (

    select * from {{ ref('int_customer_products') }}

),

products_keyed as (

    select * from {{ ref('int_products_keyed') }}

),

products as (

    select * from {{ ref('stg_landing__products') }}

),

{% for grouping in ['product_type', 'category'] -%}
{{ grouping }}_buyers as (

    select
        customer_products.snapshot_at,
        '{{ grouping }}' as group_kind,
        products.{{ grouping }} as group_name,
        count(distinct customer_products.customer_key) as buyers_8w
    from customer_products
    inner join products_keyed on customer_products.product_key = products_keyed.product_key
    inner join products on products_keyed.product_id = products.product_id
    where customer_products.baskets_8w > 0 and products.{{ grouping }} is not null
    group by customer_products.snapshot_at, products.{{ grouping }}

),

{% endfor -%}

final as (

    select * from product_type_buyers
    union all
    select * from category_buyers

)

select * from final
