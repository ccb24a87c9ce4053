{%- set windows = {'before': [-7, -1], 'next_1w': [0, 6], 'next': [0, 27]} -%}

with periods as (

    select * from {{ ref('int_promotion_periods') }}

),

stores as (

    select * from {{ ref('int_promotion_stores') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

-- The stores that take part in promotions, by all that is planned for the coming four weeks.
store_counts as (

    select
        snapshots.snapshot_at,
        snapshots.snapshot_on,
        -- Without a named store, promotions for "all stores" count the shop as one store.
        greatest(count(stores.store_id), 1) as stores
    from snapshots
    left join stores on stores.first_promoted_on <= {{ days_after('snapshots.snapshot_on', 27) }}
    group by snapshots.snapshot_at, snapshots.snapshot_on

),

promotions_by_snapshot as (

    select
        store_counts.*,
        periods.product_id,
        periods.starts_on,
        periods.ends_on,
        case when periods.is_mailed_everywhere then store_counts.stores else periods.mailer_stores end as mailer_in,
        case when periods.is_displayed_everywhere then store_counts.stores else periods.display_stores end as display_in
    from periods
    inner join store_counts
        on periods.starts_on <= {{ days_after('store_counts.snapshot_on', 27) }}
        and periods.ends_on >= {{ days_after('store_counts.snapshot_on', -7) }}

),

final as (

    select
        snapshot_at,
        product_id,
        -- Shares of all days of all stores in the window; overlapping periods cannot exceed 1.
        {% for window, days in windows.items() -%}
        {%- set overlap = days_in_common(
            'starts_on', 'ends_on', days_after('snapshot_on', days[0]), days_after('snapshot_on', days[1])
        ) -%}
        {%- for kind in ['mailer', 'display'] -%}
        least(1.0, sum({{ kind }}_in * {{ overlap }}) / cast(max(stores) * {{ days[1] - days[0] + 1 }} as double))
            as {{ kind }}_stores{{ '' if window == 'before' else '_' ~ window }},
        {% endfor -%}
        {%- endfor -%}
        max(case when ends_on >= snapshot_on then 1 else 0 end) = 1 as is_promoted_next
    from promotions_by_snapshot
    group by snapshot_at, product_id

)

select * from final
