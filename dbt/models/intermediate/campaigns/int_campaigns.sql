with campaigns as (

    select * from {{ ref('stg_landing__campaigns') }}

),

snapshots as (

    select
        min(snapshot_at) as oldest_at,
        max(snapshot_at) as newest_at
    from {{ ref('int_snapshots') }}

),

periods as (

    select
        campaign_id,
        coalesce(min(campaign_type), '') as campaign_type,
        min(starts_on) as starts_on,
        max(ends_on) as ends_on,
        count(*) as customers
    from campaigns
    group by campaign_id

),

dated as (

    select
        campaign_id,
        campaign_type,
        starts_on,
        ends_on,
        {{ start_of_local_day('starts_on') }} as starts_at,
        {{ start_of_local_day(days_after('ends_on', 1)) }} as closes_at,
        customers
    from periods
    -- A campaign that ends before it starts has no day on which a coupon could be redeemed.
    where ends_on >= starts_on

),

final as (

    select
        dated.*,
        dated.starts_at >= snapshots.oldest_at as is_covered,
        dated.closes_at <= snapshots.newest_at as is_closed
    from dated
    cross join snapshots

)

select * from final
