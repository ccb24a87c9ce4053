with redemptions as (

    select * from {{ ref('stg_landing__redemptions') }}

),

coupons as (

    select * from {{ ref('stg_landing__coupons') }}

),

covered as (

    select
        coupon_id,
        campaign_id,
        count(*) as products_covered
    from coupons
    group by coupon_id, campaign_id

),

final as (

    select
        redemptions.customer_id,
        redemptions.coupon_id,
        redemptions.campaign_id,
        coalesce(covered.products_covered, 0) as products_covered,
        redemptions.redeemed_on,
        redemptions.redemption_number
    from redemptions
    left join covered
        on redemptions.coupon_id = covered.coupon_id
        and redemptions.campaign_id = covered.campaign_id

)

select * from final
