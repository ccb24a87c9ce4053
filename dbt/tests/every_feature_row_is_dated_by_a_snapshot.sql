-- Nothing is dated after the day of the run.
{%- set tables = [
    'feat_customer_history', 'feat_customer_profile', 'feat_customer_purchases', 'feat_product_activity',
    'feat_customer_categories', 'feat_customer_habits', 'feat_customer_outcomes'
] %}

with snapshots as (

    select * from {{ ref('int_snapshots') }}

),

dated as (

    {% for table in tables -%}
    select distinct
        '{{ table }}' as table_name,
        event_timestamp,
        created_timestamp
    from {{ ref(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select dated.*
from dated
left join snapshots on dated.event_timestamp = snapshots.snapshot_at
where
    snapshots.snapshot_at is null
    or dated.created_timestamp <> dated.event_timestamp
    or dated.event_timestamp > timestamp '{{ run_var("as_of_instant") }}'
