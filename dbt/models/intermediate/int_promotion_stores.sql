with promotions as (

    select * from {{ ref('stg_landing__promotions') }}

),

final as (

    select
        store_id,
        min(starts_on) as first_promoted_on
    from promotions
    where store_id is not null
    group by store_id

)

select * from final
