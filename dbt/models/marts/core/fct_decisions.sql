with decisions as (

    select * from {{ ref('stg_feedback__decisions') }}

),

events as (

    select * from {{ ref('fct_events') }}

),

outcomes as (

    select
        request_id,
        customer_id,
        product_id,
        min(case when event_type = 'impression' then occurred_at end) as impressed_at,
        min(case when event_type = 'view' then occurred_at end) as viewed_at,
        min(case when event_type = 'click' then occurred_at end) as clicked_at,
        min(case when event_type = 'cart' then occurred_at end) as carted_at,
        min(case when event_type = 'purchase' then occurred_at end) as purchased_at
    from events
    where is_outcome
    group by request_id, customer_id, product_id

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
        and decisions.customer_id = outcomes.customer_id
        and decisions.product_id = outcomes.product_id

)

select * from final
