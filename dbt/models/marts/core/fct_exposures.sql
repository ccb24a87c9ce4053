with exposures as (

    select * from {{ ref('stg_feedback__exposures') }}

),

decisions as (

    select * from {{ ref('fct_decisions') }}

),

answers as (

    select
        request_id,
        min(clicked_at) as clicked_at,
        min(purchased_at) as purchased_at
    from decisions
    group by request_id

),

final as (

    select
        exposures.request_id,
        exposures.experiment_id,
        exposures.customer_id,
        exposures.slate,
        exposures.variant,
        exposures.propensity,
        exposures.is_holdout,
        exposures.is_override,
        exposures.served,
        exposures.fallback,
        exposures.shown,
        {{ local_date('exposures.exposed_at') }} as exposed_on,
        exposures.exposed_at,
        answers.clicked_at,
        answers.purchased_at
    from exposures
    left join answers on exposures.request_id = answers.request_id

)

select * from final
