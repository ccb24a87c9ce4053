-- Dated by the campaigns' ends: a reader limited to rows before an instant gets only closed campaigns.
with campaigns as (

    select * from {{ ref('int_campaigns') }}

),

contacts as (

    select * from {{ ref('stg_landing__campaigns') }}

),

redemptions as (

    select * from {{ ref('stg_landing__redemptions') }}

),

coupons as (

    select distinct
        campaign_id,
        coupon_id
    from {{ ref('stg_landing__coupons') }}

),

-- A redemption that names no campaign counts for every campaign that sent the coupon and ran on the day.
named as (

    select
        customer_id,
        coupon_id,
        redeemed_on,
        campaign_id
    from redemptions
    where campaign_id is not null

    union all

    select
        redemptions.customer_id,
        redemptions.coupon_id,
        redemptions.redeemed_on,
        coupons.campaign_id
    from redemptions
    inner join coupons on redemptions.coupon_id = coupons.coupon_id
    where redemptions.campaign_id is null

),

closed as (

    select * from campaigns
    where is_covered and is_closed

),

received as (

    select
        closed.closes_at,
        contacts.customer_id,
        {{ sorted_list('contacts.campaign_id') }} as campaign_ids
    from contacts
    inner join closed on contacts.campaign_id = closed.campaign_id
    group by closed.closes_at, contacts.customer_id

),

redeemed as (

    select distinct
        closed.closes_at,
        named.customer_id,
        named.campaign_id,
        named.coupon_id
    from named
    inner join closed
        on named.campaign_id = closed.campaign_id
        and named.redeemed_on >= closed.starts_on
        and named.redeemed_on <= closed.ends_on

),

listed as (

    select
        closes_at,
        customer_id,
        {{ sorted_rows(['campaign_id', 'coupon_id'], 'campaign_id, coupon_id') }} as coupons
    from redeemed
    group by closes_at, customer_id

),

final as (

    select
        received.customer_id,
        received.closes_at as event_timestamp,
        received.closes_at as created_timestamp,
        received.campaign_ids,
        coalesce({{ list_of('listed.coupons', 'campaign_id') }}, []) as redeemed_campaign_ids,
        coalesce({{ list_of('listed.coupons', 'coupon_id') }}, []) as redeemed_coupon_ids
    from received
    left join listed
        on received.closes_at = listed.closes_at
        and received.customer_id = listed.customer_id

)

select * from final
