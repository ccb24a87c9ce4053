with events as (

    select * from {{ ref('stg_feedback__events') }}

),

decisions as (

    select * from {{ ref('stg_feedback__decisions') }}

),

shown as (

    select
        request_id,
        customer_id,
        product_id,
        min(decided_at) as decided_at
    from decisions
    group by request_id, customer_id, product_id

),

-- Answers without a customer, such as similar items, count for any customer who quotes them.
shown_to_anyone as (

    select * from shown
    where customer_id is null

),

final as (

    select
        events.event_id,
        events.customer_id,
        events.product_id,
        events.request_id,
        events.event_type,
        events.quantity,
        events.price,
        events.rating,
        events.rating_min,
        events.rating_max,
        events.query,
        -- The customer must match, because a request_id quoted by another customer proves nothing.
        coalesce(
            events.occurred_at >= {{
                minutes_before('coalesce(shown.decided_at, shown_to_anyone.decided_at)', var('clock_skew_minutes'))
            }},
            false
        ) as is_outcome,
        {{ local_date('events.occurred_at') }} as occurred_on,
        events.occurred_at,
        events.received_at
    from events
    left join shown
        on events.request_id = shown.request_id
        and events.customer_id = shown.customer_id
        and events.product_id = shown.product_id
    left join shown_to_anyone
        on events.request_id = shown_to_anyone.request_id
        and events.product_id = shown_to_anyone.product_id

)

select * from final
