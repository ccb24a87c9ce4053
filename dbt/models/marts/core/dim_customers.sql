with customers as (

    select * from {{ ref('stg_landing__customers') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

shoppers as (

    select
        customer_id,
        min(case when cancelled_at is null then purchased_at end) as first_purchased_at,
        max(case when cancelled_at is null then purchased_at end) as last_purchased_at
    from purchases
    where customer_id is not null
    group by customer_id

),

final as (

    select
        coalesce(customers.customer_id, shoppers.customer_id) as customer_id,
        {% for column in ['age_band', 'income_band', 'home_ownership', 'marital_status', 'household_size',
                          'household_composition', 'kids_count'] -%}
        coalesce(customers.{{ column }}, '') as {{ column }},
        {% endfor -%}
        customers.customer_id is not null as has_profile,
        shoppers.first_purchased_at,
        shoppers.last_purchased_at
    from customers
    full outer join shoppers on customers.customer_id = shoppers.customer_id

)

select * from final
