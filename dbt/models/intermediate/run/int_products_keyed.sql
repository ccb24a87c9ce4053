with purchases as (

    select * from {{ ref('int_purchases') }}

),

products as (

    select distinct product_id from purchases

),

final as (

    select
        product_id,
        cast(row_number() over (order by product_id) as integer) as product_key
    from products

)

select * from final
