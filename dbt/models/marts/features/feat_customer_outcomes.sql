with baskets as (

    select * from {{ ref('int_baskets') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

in_window as (

    select
        snapshots.snapshot_at,
        baskets.customer_key,
        baskets.spend,
        -- Counted in the shop's days, so that a change of the clocks moves no basket into another week.
        floor(
            ({{ days_between(local_date('baskets.purchased_at'), 'snapshots.snapshot_on') }} - 1) / 7
        ) as weeks_ago
    from baskets
    inner join snapshots
        on baskets.purchased_at >= snapshots.since_8w
        and baskets.purchased_at < snapshots.snapshot_at

),

weekly as (

    select
        snapshot_at,
        customer_key,
        {{ list_of_sums('1', by='weeks_ago', length=8) }} as weekly_baskets,
        {{ list_of_sums('spend', by='weeks_ago', length=8) }} as weekly_spend
    from in_window
    group by snapshot_at, customer_key

),

final as (

    select
        customers.customer_id,
        weekly.snapshot_at as event_timestamp,
        weekly.snapshot_at as created_timestamp,
        weekly.weekly_baskets,
        weekly.weekly_spend
    from weekly
    inner join customers
        on weekly.customer_key = customers.customer_key
        and weekly.snapshot_at > customers.snapshots_after
        and weekly.snapshot_at <= customers.snapshots_until

)

select * from final
