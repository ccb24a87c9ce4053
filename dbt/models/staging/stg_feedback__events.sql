with source as (

    select * from {{ source('feedback', 'events') }}

),

final as (

    {{ typed_events('source') }}

)

select * from final
