{%- set numbers = [
    'own_baskets', 'own_baskets_13w', 'own_baskets_4w', 'own_spend', 'own_spend_13w', 'own_days_since_last',
    'category_baskets_13w', 'category_share'
] -%}

with customers as (

    select * from {{ ref('int_offer_customers') }}

),

coupons as (

    select * from {{ ref('int_customer_coupons') }}

),

categories as (

    select * from {{ ref('int_customer_coupon_categories') }}

),

measured as (

    select
        coalesce(coupons.offered_at, categories.offered_at) as offered_at,
        coalesce(coupons.customer_id, categories.customer_id) as customer_id,
        coalesce(coupons.campaign_id, categories.campaign_id) as campaign_id,
        coalesce(coupons.coupon_id, categories.coupon_id) as coupon_id,
        cast(coalesce(coupons.own_baskets, 0) as real) as own_baskets,
        cast(coalesce(coupons.own_baskets_13w, 0) as real) as own_baskets_13w,
        cast(coalesce(coupons.own_baskets_4w, 0) as real) as own_baskets_4w,
        cast(coalesce(coupons.own_spend, 0) as real) as own_spend,
        cast(coalesce(coupons.own_spend_13w, 0) as real) as own_spend_13w,
        cast(coalesce({{ days_between('coupons.last_purchased_at', 'coupons.offered_at') }}, 0) as real)
            as own_days_since_last,
        cast(coalesce(categories.category_baskets_13w, 0) as real) as category_baskets_13w,
        cast(least(coalesce(categories.category_share, 0), 1) as real) as category_share
    from coupons
    full outer join categories
        on coupons.offered_at = categories.offered_at
        and coupons.customer_id = categories.customer_id
        and coupons.campaign_id = categories.campaign_id
        and coupons.coupon_id = categories.coupon_id

),

listed as (

    select
        offered_at,
        customer_id,
        {{ sorted_rows(['campaign_id', 'coupon_id'] + numbers, 'campaign_id, coupon_id') }} as bought
    from measured
    group by offered_at, customer_id

),

final as (

    select
        customers.customer_id,
        customers.offered_at as event_timestamp,
        customers.offered_at as created_timestamp,
        cast(customers.spend_13w as double) as total_spend_13w,
        cast(customers.baskets_13w as double) as total_baskets_13w,
        cast(customers.baskets_4w as double) as total_baskets_4w,
        {{ days_between('customers.last_purchased_at', 'customers.offered_at') }} as days_since_last_basket,
        cast(customers.products as double) as total_products,
        cast(customers.coupons_redeemed as double) as coupons_redeemed,
        cast(customers.coupons_redeemed_13w as double) as coupons_redeemed_13w,
        cast(customers.campaigns_redeemed as double) as campaigns_redeemed,
        cast(customers.campaigns_before as double) as campaigns_before,
        {% for number in numbers -%}
        coalesce({{ list_of('listed.bought', number) }}, []) as {{ number }},
        {% endfor -%}
        coalesce({{ list_of('listed.bought', 'campaign_id') }}, []) as campaign_ids,
        coalesce({{ list_of('listed.bought', 'coupon_id') }}, []) as coupon_ids
    from customers
    left join listed
        on customers.offered_at = listed.offered_at
        and customers.customer_id = listed.customer_id

)

select * from final
