with campaigns as (

    select * from {{ ref('stg_landing__campaigns') }}

),

redemptions as (

    select * from {{ ref('stg_landing__redemptions') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

contacts as (

    select
        customer_id,
        starts_on as happened_on,
        1 as campaigns_received,
        0 as coupon_redemptions
    from campaigns

    union all

    select
        customer_id,
        redeemed_on as happened_on,
        0 as campaigns_received,
        1 as coupon_redemptions
    from redemptions

),

final as (

    select
        snapshots.snapshot_at,
        contacts.customer_id,
        sum(contacts.campaigns_received) as campaigns_received,
        sum(contacts.coupon_redemptions) as coupon_redemptions
    from contacts
    inner join snapshots on contacts.happened_on < snapshots.snapshot_on
    group by snapshots.snapshot_at, contacts.customer_id

)

select * from final
