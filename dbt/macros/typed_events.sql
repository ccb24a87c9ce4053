{#- Events of the landing contract in this project's types: one row per event, the first received of several. -#}
{% macro typed_events(relation) -%}
    select
        event_id,
        customer_id,
        product_id,
        {{ clean_text('request_id') }} as request_id,

        lower(trim(event_type)) as event_type,

        cast(quantity as decimal(18, 4)) as quantity,
        cast(price as decimal(18, 4)) as price,
        rating,
        rating_min,
        rating_max,
        {{ clean_text('query') }} as query,

        occurred_at,
        coalesce(received_at, occurred_at) as received_at
    from (
        {{ deduplicate(
            relation,
            key='event_id',
            order_by='coalesce(received_at, occurred_at), occurred_at, customer_id, product_id, event_type, request_id, quantity, price, rating, rating_min, rating_max, query'
        ) }}
    ) as events
{%- endmacro %}
