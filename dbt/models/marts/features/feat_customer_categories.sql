{%- set numbers = [
    'baskets_4w', 'baskets_8w', 'baskets_13w', 'baskets_26w', 'baskets', 'spend_26w', 'days_since_last'
] -%}

with customer_baskets as (

    select * from {{ ref('int_customer_baskets') }}

),

customer_categories as (

    select * from {{ ref('int_customer_categories') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

categories as (

    select * from {{ ref('int_categories_keyed') }}

),

measured as (

    select
        customer_categories.snapshot_at,
        customer_categories.customer_key,
        categories.category,
        categories.department,
        {% for weeks in [4, 8, 13, 26] -%}
        cast(customer_categories.baskets_{{ weeks }}w as real) as baskets_{{ weeks }}w,
        {% endfor -%}
        cast(customer_categories.baskets as real) as baskets,
        cast(customer_categories.spend_26w as real) as spend_26w,
        cast(
            {{ days_between('customer_categories.last_purchased_at', 'customer_categories.snapshot_at') }} as real
        ) as days_since_last
    from customer_categories
    inner join categories on customer_categories.category_key = categories.category_key

),

listed as (

    select
        snapshot_at,
        customer_key,
        {{ sorted_rows(['category', 'department'] + numbers, 'category') }} as bought
    from measured
    group by snapshot_at, customer_key

),

-- A customer of whose purchases no category is known has a row of empty lists.
final as (

    select
        customers.customer_id,
        customer_baskets.snapshot_at as event_timestamp,
        customer_baskets.snapshot_at as created_timestamp,
        {% for number in numbers -%}
        {{ list_or_empty(list_of('listed.bought', number)) }} as {{ number }},
        {% endfor -%}
        {{ list_or_empty(list_of('listed.bought', 'category')) }} as categories,
        {{ list_or_empty(list_of('listed.bought', 'department')) }} as departments
    from customer_baskets
    inner join customers on customer_baskets.customer_key = customers.customer_key
    left join listed
        on customer_baskets.snapshot_at = listed.snapshot_at
        and customer_baskets.customer_key = listed.customer_key

)

select * from final
