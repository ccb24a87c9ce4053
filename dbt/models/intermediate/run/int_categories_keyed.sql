with products as (

    select * from {{ ref('stg_landing__products') }}

),

placed as (

    select
        category,
        department,
        -- A category of several departments belongs to the one with most of its products; of equals, the first by name.
        row_number() over (
            partition by category
            order by count(*) desc, department is null, department
        ) as place
    from products
    where category is not null
    group by category, department

),

final as (

    select
        category,
        coalesce(department, '') as department,
        cast(row_number() over (order by category) as integer) as category_key
    from placed
    where place = 1

)

select * from final
