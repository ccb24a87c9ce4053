with purchases as (

    select * from {{ ref('int_customer_purchases') }}

),

baskets as (

    select * from {{ ref('int_baskets') }}

),

products as (

    select * from {{ ref('stg_landing__products') }}

),

grouped as (

    select
        purchases.customer_key,
        purchases.basket_id,
        coalesce(sum(purchases.spend) filter (
            where lower(products.brand) in (
                {% for brand in var('private_label_brands') -%}
                '{{ brand }}'{{ ',' if not loop.last }}
                {% endfor -%}
            )
        ), 0) as private_label_spend,
        max(case when purchases.coupon_discount > 0 then 1 else 0 end) as has_coupon
    from purchases
    left join products on purchases.product_id = products.product_id
    group by purchases.customer_key, purchases.basket_id

),

final as (

    select
        baskets.customer_key,
        baskets.basket_id,
        baskets.basket_number % 2 = 1 as is_odd,
        baskets.store_id,
        cast({{ local_weekday('baskets.purchased_at') }} as varchar) as weekday,
        {{ local_weekday('baskets.purchased_at') }} >= 6 as is_weekend,
        {{ local_hour('baskets.purchased_at') }} < {{ var('morning_until_hour') }} as is_morning,
        {{ local_hour('baskets.purchased_at') }} >= {{ var('evening_from_hour') }} as is_evening,
        grouped.has_coupon = 1 as has_coupon,
        baskets.products,
        baskets.spend,
        baskets.retail_discount,
        grouped.private_label_spend,
        baskets.purchased_at
    from baskets
    inner join grouped
        on baskets.customer_key = grouped.customer_key
        and baskets.basket_id = grouped.basket_id

)

select * from final
