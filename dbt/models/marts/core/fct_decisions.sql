with decisions as (

    select * from {{ ref('stg_feedback__decisions') }}

),

events as (

    select * from {{ ref('fct_events') }}

),

outcomes as (

    select
        decisions.request_id,
        decisions.slate,
        decisions.position,
        min(case when events.event_type = 'impression' then events.occurred_at end) as impressed_at,
        min(case when events.event_type = 'view' then events.occurred_at end) as viewed_at,
        min(case when events.event_type = 'click' then events.occurred_at end) as clicked_at,
        min(case when events.event_type = 'cart' then events.occurred_at end) as carted_at,
        min(case when events.event_type = 'purchase' then events.occurred_at end) as purchased_at
    from decisions
    inner join events
        on decisions.request_id = events.request_id
        and decisions.product_id = events.product_id
        and coalesce(decisions.customer_id, events.customer_id) = events.customer_id
    where events.is_outcome
    group by decisions.request_id, decisions.slate, decisions.position

),

final as (

    select
        decisions.request_id,
        decisions.customer_id,
        decisions.product_id,
        decisions.slate,
        decisions.position,
        decisions.source,
        decisions.score,
        decisions.model_version,
        decisions.fallback,
        decisions.experiment_id,
        decisions.variant,
        decisions.propensity,
        decisions.is_holdout,
        {{ local_date('decisions.decided_at') }} as decided_on,
        decisions.decided_at,
        outcomes.impressed_at,
        outcomes.viewed_at,
        outcomes.clicked_at,
        outcomes.carted_at,
        outcomes.purchased_at
    from decisions
    left join outcomes
        on decisions.request_id = outcomes.request_id
        and decisions.slate = outcomes.slate
        and decisions.position = outcomes.position

)

select * from final
