with source as (

    select * from {{ source('landing', 'events') }}

),

final as (

    {{ typed_events('source') }}

)

select * from final
