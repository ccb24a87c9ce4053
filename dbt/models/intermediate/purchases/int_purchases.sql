with transactions as (

    select * from {{ ref('stg_landing__transactions') }}

),

events as (

    select * from {{ ref('stg_landing__events') }}

),

returned_quantities as (

    select distinct
        customer_id,
        product_id,
        -quantity as quantity
    from transactions
    where quantity < 0

),

lines as (

    select
        transactions.*,
        returned_quantities.quantity as pair_quantity
    from transactions
    left join returned_quantities
        on transactions.customer_id = returned_quantities.customer_id
        and transactions.product_id = returned_quantities.product_id
        and abs(transactions.quantity) = returned_quantities.quantity
        and (transactions.quantity < 0 or not transactions.is_return)

),

-- Like brackets: a returned line closes the newest open purchase of the same customer, product and quantity.
-- A bracket and the one that closes it have the same depth, and one follows the other at that depth.
open_purchases as (

    select
        *,
        sum(case when quantity < 0 then -1 else 1 end) over (
            partition by customer_id, product_id, pair_quantity
            order by transaction_at asc, quantity desc, basket_id asc, sales_value asc, store_id asc
            rows between unbounded preceding and current row
        ) as height
    from lines
    where pair_quantity is not null

),

lowest as (

    select
        *,
        least(0, min(height) over (
            partition by customer_id, product_id, pair_quantity
            order by transaction_at asc, quantity desc, basket_id asc, sales_value asc, store_id asc
            rows between unbounded preceding and current row
        )) as low
    from open_purchases

),

paired as (

    select
        *,
        lead(quantity) over same_depth as next_quantity,
        lead(transaction_at) over same_depth as next_at
    from lowest
    window same_depth as (
        partition by customer_id, product_id, pair_quantity, height - low + case when quantity < 0 then 1 else 0 end
        order by transaction_at asc, quantity desc, basket_id asc, sales_value asc, store_id asc
    )

),

receipts as (

    {% for relation in ['lines', 'paired'] -%}
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
        transaction_at as purchased_at,
        {% if relation == 'lines' -%}
        cast(null as timestamp) as cancelled_at
        {%- else -%}
        case
            when next_quantity < 0
                and {{ days_between('transaction_at', 'next_at') }} <= {{ var('cancellation_days') }} then next_at
        end as cancelled_at
        {%- endif %}
    from {{ relation }}
    where not is_return{{ ' and pair_quantity is null' if relation == 'lines' }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

newest as (

    select max({{ local_date('transaction_at') }}) as receipts_until from transactions

),

-- Receipts replace events of the days that they cover. An event stands for a line only on later days, so no purchase
-- counts twice, and the line replaces the event when its day lands.
provisional_purchases as (

    select
        events.customer_id,
        'provisional ' || events.customer_id || ' ' || cast({{ local_date('events.occurred_at') }} as varchar)
            as basket_id,
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
        events.occurred_at as purchased_at,
        cast(null as timestamp) as cancelled_at
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
    select * from provisional_purchases

)

select * from final
