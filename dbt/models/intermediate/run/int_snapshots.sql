with run as (

    select * from {{ ref('int_run') }}

),

instants as (

    select {{ rows_of('run.snapshots') }} as snapshot_at
    from run

),

days as (

    select
        snapshot_at,
        {{ local_date('snapshot_at') }} as snapshot_on
    from instants

),

final as (

    select
        snapshot_at,
        -- A window begins at the shop's midnight, also across a change of the clocks.
        {% for weeks in [1, 2, 4, 8, 13, 26] -%}
        {{ start_of_local_day(days_after('snapshot_on', -7 * weeks)) }} as since_{{ weeks }}w,
        {% endfor -%}
        snapshot_on
    from days

)

select * from final
