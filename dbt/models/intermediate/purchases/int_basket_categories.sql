with purchases as (

    select * from {{ ref('int_customer_purchases') }}

),

products as (

    select * from {{ ref('stg_landing__products') }}

),

categories as (

    select * from {{ ref('int_categories_keyed') }}

),

final as (

    select
        purchases.customer_key,
        categories.category_key,
        purchases.basket_id,
        sum(purchases.spend) as spend,
        -- Known when its last line is known.
        max(purchases.purchased_at) as purchased_at
    from purchases
    inner join products on purchases.product_id = products.product_id
    inner join categories on products.category = categories.category
    group by purchases.customer_key, categories.category_key, purchases.basket_id

)

select * from final
order by customer_key, category_key
