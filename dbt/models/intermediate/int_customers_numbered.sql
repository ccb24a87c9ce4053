with purchases as (

    select * from {{ ref('int_purchases') }}

),

customers as (

    -- A line without a customer belongs to nobody.
    select distinct customer_id from purchases where customer_id is not null

),

final as (

    select
        customer_id,
        cast(row_number() over (order by customer_id) as integer) as customer_number
    from customers

)

select * from final
