{%- set counts = [
    'buyers_1w', 'buyers_2w', 'buyers_4w', 'buyers_8w', 'buyers_13w', 'buyers_26w', 'buyers',
    'baskets_4w', 'baskets_13w', 'baskets', 'first_buyers_4w', 'first_buyers_8w', 'rebuyers'
] -%}
{%- set placements = [
    'mailer_stores', 'display_stores', 'mailer_stores_next', 'display_stores_next',
    'mailer_stores_next_1w', 'display_stores_next_1w'
] -%}

with buyers as (

    select * from {{ ref('int_product_buyers') }}

),

keys as (

    select * from {{ ref('int_products_keyed') }}

),

prices as (

    select * from {{ ref('int_product_prices') }}

),

group_buyers as (

    select * from {{ ref('int_product_group_buyers') }}

),

promotions as (

    select * from {{ ref('int_product_promotions') }}

),

coupons as (

    select * from {{ ref('int_product_coupons') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

sale_days as (

    select
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at
    from purchases
    group by {{ local_date('purchased_at') }}

),

-- Since the last year without any sale: one line with a wrong old date does not belong to the shop's history.
history_starts as (

    select max(first_purchased_at) as first_purchased_at
    from (
        select
            first_purchased_at,
            lag(last_purchased_at) over (order by first_purchased_at) as previous_at
        from sale_days
    ) as days
    where previous_at is null or {{ days_between('previous_at', 'first_purchased_at') }} > 365

),

sold as (

    select
        keys.product_id,
        buyers.*
    from buyers
    inner join keys on buyers.product_key = keys.product_key

),

snapshot_products as (

    select
        snapshot_at,
        product_id
    from sold
    union
    select
        snapshot_at,
        product_id
    from promotions
    where is_promoted_next

),

joined as (

    select
        snapshot_products.product_id,
        snapshot_products.snapshot_at,
        products.product_type,
        {% for count in counts -%}
        cast(coalesce(sold.{{ count }}, 0) as double) as {{ count }},
        {% endfor -%}
        {% for placement in placements -%}
        cast(coalesce(promotions.{{ placement }}, 0) as double) as {{ placement }},
        {% endfor -%}
        sold.first_sold_at,
        sold.last_sold_at,
        history_starts.first_purchased_at as history_starts_at,
        prices.price,
        cast(coalesce(prices.stores_13w, 0) as double) as stores_13w,
        cast(coalesce(prices.spend_4w, 0) as double) as spend_4w,
        cast(coalesce(prices.retail_discount_4w, 0) as double) as retail_discount_4w,
        cast(coalesce(coupons.coupons_active, 0) as double) as coupons_active,
        type_buyers.buyers_8w as type_buyers_8w,
        category_buyers.buyers_8w as category_buyers_8w
    from snapshot_products
    inner join products on snapshot_products.product_id = products.product_id
    cross join history_starts
    left join sold
        on snapshot_products.product_id = sold.product_id and snapshot_products.snapshot_at = sold.snapshot_at
    left join prices
        on sold.product_key = prices.product_key and sold.snapshot_at = prices.snapshot_at
    left join promotions
        on snapshot_products.product_id = promotions.product_id
        and snapshot_products.snapshot_at = promotions.snapshot_at
    left join coupons
        on snapshot_products.product_id = coupons.product_id and snapshot_products.snapshot_at = coupons.snapshot_at
    left join group_buyers as type_buyers
        on type_buyers.group_kind = 'product_type'
        and products.product_type = type_buyers.group_name
        and snapshot_products.snapshot_at = type_buyers.snapshot_at
    left join group_buyers as category_buyers
        on category_buyers.group_kind = 'category'
        and products.category = category_buyers.group_name
        and snapshot_products.snapshot_at = category_buyers.snapshot_at

),

type_prices as (

    select
        snapshot_at,
        product_type,
        {{ median_of('price') }} as type_price
    from joined
    where product_type <> '' and price is not null
    group by snapshot_at, product_type

),

final as (

    select
        joined.product_id,
        joined.snapshot_at as event_timestamp,
        joined.snapshot_at as created_timestamp,
        {% for count in counts -%}
        joined.{{ count }},
        {% endfor -%}
        -- A tenth of the buyers is the prior: one re-buyer among ten buyers is added to each product.
        (joined.rebuyers + 1) / (joined.buyers + 10) as rebuy_rate,
        coalesce({{ days_between('joined.first_sold_at', 'joined.snapshot_at') }}, 0) as days_since_first_sale,
        coalesce(
            {{ days_between('joined.last_sold_at', 'joined.snapshot_at') }},
            -- a product on a coming mailer that never sold; the snapshot may lie before the shop's first sale
            greatest({{ days_between('joined.history_starts_at', 'joined.snapshot_at') }}, 0),
            0
        ) as days_since_last_sale,
        coalesce(joined.price, type_prices.type_price, 0) as price,
        coalesce(joined.price / type_prices.type_price, 1) as price_ratio_in_type,
        coalesce(joined.retail_discount_4w / nullif(joined.spend_4w + joined.retail_discount_4w, 0), 0)
            as discount_depth_4w,
        coalesce(joined.buyers_8w / joined.type_buyers_8w, 0) as share_in_type_8w,
        coalesce(joined.buyers_8w / joined.category_buyers_8w, 0) as share_in_category_8w,
        -- The last four weeks against four average weeks of the nine before; one buyer more on both sides.
        ln((joined.buyers_4w + 1) / ((joined.buyers_13w - joined.buyers_4w) / 9 * 4 + 1)) as trend,
        joined.stores_13w,
        {% for placement in placements -%}
        joined.{{ placement }},
        {% endfor -%}
        joined.coupons_active
    from joined
    left join type_prices
        on joined.snapshot_at = type_prices.snapshot_at and joined.product_type = type_prices.product_type

)

select * from final
