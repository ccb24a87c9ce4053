with purchases as (

    select * from {{ ref('int_purchases') }}

),

products as (

    select * from {{ ref('int_products_keyed') }}

),

stores as (

    select * from {{ ref('int_stores_keyed') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

buyers as (

    select * from {{ ref('int_product_buyers') }}

),

lines as (

    select
        products.product_key,
        stores.store_key,
        -- Free and zero-quantity lines have no unit price.
        case
            when purchases.quantity > 0 and purchases.spend > 0
                then cast(purchases.spend as double) / cast(purchases.quantity as double)
        end as unit_price,
        purchases.spend,
        purchases.retail_discount,
        purchases.purchased_at,
        purchases.cancelled_at
    from purchases
    inner join products on purchases.product_id = products.product_id
    left join stores on purchases.store_id = stores.store_id

),

-- For a product not sold in the last quarter, all its sales count.
windows as (

    select
        buyers.snapshot_at,
        buyers.product_key,
        snapshots.since_4w,
        snapshots.since_13w,
        case when buyers.buyers_13w > 0 then snapshots.since_13w else buyers.first_sold_at end as since
    from buyers
    inner join snapshots on buyers.snapshot_at = snapshots.snapshot_at

),

final as (

    select
        windows.snapshot_at,
        windows.product_key,
        {{ median_of('lines.unit_price') }} as price,
        {{ distinct_numbers('lines.store_key', where='lines.purchased_at >= windows.since_13w') }} as stores_13w,
        sum(case when lines.purchased_at >= windows.since_4w then lines.spend else 0 end) as spend_4w,
        sum(case when lines.purchased_at >= windows.since_4w then lines.retail_discount else 0 end)
            as retail_discount_4w
    from windows
    inner join lines
        on windows.product_key = lines.product_key
        and lines.purchased_at >= windows.since
        and lines.purchased_at < windows.snapshot_at
        and (lines.cancelled_at is null or lines.cancelled_at >= windows.snapshot_at)
    group by windows.snapshot_at, windows.product_key

)

select * from final
