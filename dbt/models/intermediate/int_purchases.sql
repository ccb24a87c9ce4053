with transactions as (

    select * from {{ ref('stg_landing__transactions') }}

),

events as (

    select * from {{ ref('stg_landing__events') }}

),

receipts as (

    select
        customer_id,
        basket_id,
        product_id,
        store_id,
        quantity,
        sales_value as spend,
        retail_discount,
        coupon_discount,
        coupon_match_discount,
        false as is_provisional,
        transaction_at as purchased_at
    from transactions
    where not is_return

),

newest as (

    select max({{ local_date('transaction_at') }}) as receipts_until from transactions

),

-- Receipts are the truth about every day they reach. Only of later days an event stands for a line, so no purchase is
-- ever there twice, and the line takes over as soon as its day lands.
awaited as (

    select
        events.customer_id,
        'awaited ' || events.customer_id || ' ' || cast({{ local_date('events.occurred_at') }} as varchar) as basket_id,
        events.product_id,
        cast(null as varchar) as store_id,
        coalesce(events.quantity, 1) as quantity,
        -- Two numbers of 18 digits are multiplied in 18 digits, too few for the dearest event (core/limits.py).
        cast(
            cast(coalesce(events.quantity, 1) as decimal(38, 4)) * coalesce(events.price, 0) as decimal(18, 4)
        ) as spend,
        cast(0 as decimal(18, 4)) as retail_discount,
        cast(0 as decimal(18, 4)) as coupon_discount,
        cast(0 as decimal(18, 4)) as coupon_match_discount,
        true as is_provisional,
        events.occurred_at as purchased_at
    from events
    cross join newest
    where
        events.event_type = 'purchase'
        and {{ local_date('events.occurred_at') }} > newest.receipts_until
        and coalesce(events.quantity, 1) >= 0
        and coalesce(events.price, 0) >= 0

),

final as (

    select * from receipts
    union all
    select * from awaited

)

select * from final
