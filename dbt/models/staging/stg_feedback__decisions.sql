with source as (

    select * from {{ source('feedback', 'decisions') }}

),

once as (

    {{ deduplicate(
        'source',
        key='request_id, slate, position',
        order_by='decided_at, customer_id, product_id, source, score, model_version, fallback, experiment_id, variant, propensity, is_holdout'
    ) }}

),

final as (

    select
        request_id,
        customer_id,
        product_id,

        {{ clean_text('slate') }} as slate,
        {{ clean_text('source') }} as source,
        {{ clean_text('model_version') }} as model_version,
        {{ clean_text('fallback') }} as fallback,

        cast(position as integer) as position,
        score,

        experiment_id,
        {{ clean_text('variant') }} as variant,
        propensity,
        is_holdout,

        decided_at
    from once

)

select * from final
