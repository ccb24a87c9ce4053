-- The customers who could be offered a campaign's coupons at an instant: at its start its own customers, and at the
-- newest snapshot all customers who bought in the last 26 weeks.
with instants as (

    select * from {{ ref('int_campaign_instants') }}

),

contacts as (

    select * from {{ ref('stg_landing__campaigns') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

newest as (

    select
        offered_at,
        max(since_26w) as since_26w
    from instants
    where is_newest
    group by offered_at

),

active as (

    select distinct
        newest.offered_at,
        purchases.customer_id
    from purchases
    inner join newest
        on purchases.purchased_at < newest.offered_at
        and purchases.purchased_at >= newest.since_26w
    where
        purchases.customer_id is not null
        and (purchases.cancelled_at is null or purchases.cancelled_at >= newest.offered_at)

),

final as (

    select
        instants.campaign_id,
        instants.offered_at,
        contacts.customer_id
    from contacts
    inner join instants on contacts.campaign_id = instants.campaign_id
    where not instants.is_newest

    union all

    select
        instants.campaign_id,
        instants.offered_at,
        active.customer_id
    from instants
    inner join active on instants.offered_at = active.offered_at
    where instants.is_newest

)

select * from final
