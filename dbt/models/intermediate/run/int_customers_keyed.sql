with purchases as (

    select * from {{ ref('int_purchases') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

newest as (

    select max(snapshot_at) as snapshot_at from snapshots

),

-- Where earlier snapshots count a purchase that was cancelled later, the customer gets a number for each range.
ends as (

    select
        purchases.customer_id,
        max(snapshots.snapshot_at) as snapshots_until
    from purchases
    inner join snapshots
        on purchases.purchased_at < snapshots.snapshot_at
        and purchases.cancelled_at >= snapshots.snapshot_at
    where purchases.cancelled_at is not null
    group by purchases.customer_id, purchases.purchased_at, purchases.cancelled_at

    union

    select
        purchases.customer_id,
        newest.snapshot_at as snapshots_until
    from purchases
    cross join newest
    -- A line without a customer gets no number.
    where purchases.customer_id is not null

),

final as (

    select
        customer_id,
        cast(row_number() over (order by customer_id, snapshots_until) as integer) as customer_key,
        coalesce(
            lag(snapshots_until) over (partition by customer_id order by snapshots_until),
            timestamp '1970-01-01 00:00:00'
        ) as snapshots_after,
        snapshots_until
    from ends

)

select * from final
