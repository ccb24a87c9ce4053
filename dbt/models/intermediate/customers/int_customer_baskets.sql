with baskets as (

    select * from {{ ref('int_baskets') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

baskets_before_snapshot as (

    select
        baskets.*,
        snapshots.*
    from baskets
    inner join customers on baskets.customer_key = customers.customer_key
    inner join snapshots
        on baskets.purchased_at < snapshots.snapshot_at
        and snapshots.snapshot_at > customers.snapshots_after
        and snapshots.snapshot_at <= customers.snapshots_until

),

totals as (

    select
        snapshot_at,
        customer_key,
        count(*) as baskets,
        count(*) filter (where purchased_at >= since_4w) as baskets_4w,
        count(*) filter (where purchased_at >= since_13w) as baskets_13w,
        sum(products) as basket_products,
        coalesce(sum(spend) filter (where purchased_at >= since_4w), 0) as spend_4w,
        coalesce(sum(spend) filter (where purchased_at >= since_13w), 0) as spend_13w,
        sum(spend) as spend,
        sum(retail_discount) as retail_discount,
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at
    from baskets_before_snapshot
    group by snapshot_at, customer_key

),

store_visits as (

    select
        snapshot_at,
        customer_key,
        store_id,
        -- The most visited store of the last half year; of equals, the one seen last.
        row_number() over (
            partition by snapshot_at, customer_key
            order by count(*) desc, max(purchased_at) desc, store_id
        ) as visit_rank
    from baskets_before_snapshot
    where purchased_at >= since_26w and store_id is not null
    group by snapshot_at, customer_key, store_id

),

final as (

    select
        totals.*,
        store_visits.store_id
    from totals
    left join store_visits
        on totals.snapshot_at = store_visits.snapshot_at
        and totals.customer_key = store_visits.customer_key
        and store_visits.visit_rank = 1

)

select * from final
