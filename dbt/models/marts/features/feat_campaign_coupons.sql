{%- set numbers = [
    'coupon_products', 'coupon_buyers_13w', 'coupon_baskets_13w', 'coupon_sales_13w', 'face_value', 'margin'
] -%}

with instants as (

    select * from {{ ref('int_campaign_instants') }}

),

coupons as (

    select * from {{ ref('int_coupon_sales') }}

),

measured as (

    select
        campaign_id,
        offered_at,
        coupon_id,
        cast(products as real) as coupon_products,
        cast(buyers_13w as real) as coupon_buyers_13w,
        cast(baskets_13w as real) as coupon_baskets_13w,
        cast(sales_13w as real) as coupon_sales_13w,
        cast(face_value as real) as face_value,
        cast(margin as real) as margin
    from coupons

),

listed as (

    select
        campaign_id,
        offered_at,
        {{ sorted_rows(['coupon_id'] + numbers, 'coupon_id') }} as offered
    from measured
    group by campaign_id, offered_at

),

final as (

    select
        listed.campaign_id,
        listed.offered_at as event_timestamp,
        listed.offered_at as created_timestamp,
        instants.campaign_type,
        cast(instants.customers as double) as customers,
        {{ days_between('listed.offered_at', 'instants.closes_at') }} as days_left,
        {% for number in numbers -%}
        {{ list_of('listed.offered', number) }} as {{ number }},
        {% endfor -%}
        {{ list_of('listed.offered', 'coupon_id') }} as coupon_ids
    from listed
    inner join instants
        on listed.campaign_id = instants.campaign_id
        and listed.offered_at = instants.offered_at

)

select * from final
