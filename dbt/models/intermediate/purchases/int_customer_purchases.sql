with purchases as (

    select * from {{ ref('int_purchases') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

final as (

    select
        customers.customer_key,
        purchases.customer_id,
        purchases.basket_id,
        purchases.product_id,
        purchases.store_id,
        purchases.quantity,
        purchases.spend,
        purchases.retail_discount,
        purchases.coupon_discount,
        purchases.coupon_match_discount,
        purchases.is_provisional,
        purchases.purchased_at,
        purchases.cancelled_at
    from purchases
    inner join customers
        on purchases.customer_id = customers.customer_id
        and (purchases.cancelled_at is null or purchases.cancelled_at >= customers.snapshots_until)

)

select * from final
