-- Counted again from the receipts: what an offer's customer bought is what was bought, and not cancelled, before it.
with offers as (

    select * from {{ ref('feat_customer_offers') }}

),

purchases as (

    select * from {{ ref('fct_purchases') }}

),

expected as (

    select
        offers.event_timestamp,
        count(distinct offers.customer_id || ' ' || purchases.product_id) as bought
    from offers
    inner join purchases
        on offers.customer_id = purchases.customer_id
        and offers.event_timestamp > purchases.purchased_at
        and (purchases.cancelled_at is null or purchases.cancelled_at >= offers.event_timestamp)
    group by offers.event_timestamp

),

found as (

    select
        event_timestamp,
        sum(total_products) as bought
    from offers
    group by event_timestamp

)

select
    found.event_timestamp,
    expected.bought as bought_before,
    found.bought as known_to_the_offer
from found
left join expected on found.event_timestamp = expected.event_timestamp
where coalesce(expected.bought, 0) <> found.bought
