with source as (

    select * from {{ source('feedback', 'exposures') }}

),

once as (

    {{ deduplicate(
        'source',
        key='request_id, experiment_id',
        order_by='decided_at, customer_id, slate, variant, propensity, is_holdout, is_override, served, fallback, shown'
    ) }}

),

final as (

    select
        request_id,
        experiment_id,
        customer_id,

        {{ clean_text('slate') }} as slate,
        {{ clean_text('variant') }} as variant,
        {{ clean_text('served') }} as served,
        {{ clean_text('fallback') }} as fallback,

        propensity,
        coalesce(is_holdout, false) as is_holdout,
        coalesce(is_override, false) as is_override,
        cast(shown as integer) as shown,

        decided_at as exposed_at
    from once

)

select * from final
