with promotions as (

    select * from {{ ref('stg_landing__promotions') }}

),

stores as (

    select
        store_id,
        min(starts_on) as first_promoted_on
    from promotions
    where store_id is not null
    group by store_id

),

final as (

    select
        store_id,
        cast(row_number() over (order by store_id) as integer) as store_key,
        first_promoted_on
    from stores

)

select * from final
