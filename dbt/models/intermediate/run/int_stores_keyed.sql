with purchases as (

    select * from {{ ref('int_purchases') }}

),

stores as (

    select distinct store_id from purchases
    where store_id is not null

),

final as (

    select
        store_id,
        cast(row_number() over (order by store_id) as integer) as store_key
    from stores

)

select * from final
