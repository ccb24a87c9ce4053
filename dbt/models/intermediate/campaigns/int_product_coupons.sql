with coupons as (

    select * from {{ ref('stg_landing__coupons') }}

),

campaigns as (

    select * from {{ ref('stg_landing__campaigns') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

campaign_periods as (

    select
        campaign_id,
        min(starts_on) as starts_on,
        max(ends_on) as ends_on
    from campaigns
    group by campaign_id

),

final as (

    select
        snapshots.snapshot_at,
        coupons.product_id,
        count(distinct coupons.campaign_id) as coupons_active
    from coupons
    inner join campaign_periods on coupons.campaign_id = campaign_periods.campaign_id
    inner join snapshots
        on campaign_periods.starts_on < snapshots.snapshot_on
        and campaign_periods.ends_on >= snapshots.snapshot_on
    group by snapshots.snapshot_at, coupons.product_id

)

select * from final
