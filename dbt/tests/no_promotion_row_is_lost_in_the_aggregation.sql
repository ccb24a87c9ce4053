with landed as (

    select count(*) as landed_rows from {{ source('landing', 'promotions') }}

),

kept as (

    select coalesce(sum(landed_rows), 0) as landed_rows from {{ ref('int_promotion_periods') }}

)

select
    landed.landed_rows as landed,
    kept.landed_rows as kept
from landed
cross join kept
where landed.landed_rows <> kept.landed_rows
