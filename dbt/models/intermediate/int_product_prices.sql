with purchases as (

    select * from {{ ref('int_purchases') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

buyers as (

    select * from {{ ref('int_product_buyers') }}

),

products as (

    select * from {{ ref('int_products_numbered') }}

),

-- A product not sold in the last quarter is looked at over all its time.
windows as (

    select
        buyers.snapshot_at,
        products.product_id,
        snapshots.since_4w,
        snapshots.since_13w,
        case when buyers.buyers_13w > 0 then snapshots.since_13w else buyers.first_sold_at end as since
    from buyers
    inner join snapshots on buyers.snapshot_at = snapshots.snapshot_at
    inner join products on buyers.product_number = products.product_number

),

final as (

    select
        windows.snapshot_at,
        windows.product_id,
        -- Free and zero-quantity lines have no unit price.
        {{ median_of('case when purchases.quantity > 0 and purchases.spend > 0
            then cast(purchases.spend as double) / cast(purchases.quantity as double) end') }} as price,
        count(distinct case when purchases.purchased_at >= windows.since_13w then purchases.store_id end) as stores_13w,
        sum(case when purchases.purchased_at >= windows.since_4w then purchases.spend else 0 end) as spend_4w,
        sum(case when purchases.purchased_at >= windows.since_4w then purchases.retail_discount else 0 end)
            as retail_discount_4w
    from windows
    inner join purchases
        on windows.product_id = purchases.product_id
        and purchases.purchased_at >= windows.since
        and purchases.purchased_at < windows.snapshot_at
    group by windows.snapshot_at, windows.product_id

)

select * from final
