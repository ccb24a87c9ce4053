with purchases as (

    select * from {{ ref('int_purchases') }}

),

customers as (

    select distinct customer_id from purchases

),

final as (

    select
        customer_id,
        cast(row_number() over (order by customer_id) as integer) as customer_number
    from customers

)

select * from final
