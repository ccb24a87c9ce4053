-- Recounts from the receipts in another way: the features of a snapshot add up to the purchases before it that were not
-- cancelled before it. A single later line would increase the sum, a missing one would decrease it. Purchases of guests
-- are in the activity of products and in no customer's history.
{%- set keys = {
    'basket_products': 'customer_id, basket_id, product_id',
    'basket_categories': 'customer_id, basket_id, category',
    'baskets': 'customer_id, basket_id'
} %}

with purchases as (

    select
        purchase_lines.*,
        products.category
    from {{ ref('fct_purchases') }} as purchase_lines
    inner join {{ ref('dim_products') }} as products on purchase_lines.product_id = products.product_id

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

histories as (

    select * from {{ ref('feat_customer_history') }}

),

profiles as (

    select * from {{ ref('feat_customer_profile') }}

),

categories as (

    select * from {{ ref('feat_customer_categories') }}

),

labels as (

    select * from {{ ref('feat_customer_purchases') }}

),

outcomes as (

    select * from {{ ref('feat_customer_outcomes') }}

),

activities as (

    select * from {{ ref('feat_product_activity') }}

),

-- Where a line was cancelled, each snapshot has its own version of the basket.
{% for name, key in keys.items() -%}
{{ name }} as (

    select
        {{ key }},
        max(purchased_at) as purchased_at,
        cast(null as timestamp) as snapshot_at
    from purchases
    group by {{ key }}
    having count(cancelled_at) = 0

    union all

    select
        {{ key }},
        max(purchased_at) as purchased_at,
        snapshot_at
    from (
        select
            purchases.*,
            snapshots.snapshot_at,
            count(purchases.cancelled_at) over (partition by {{ key }}) as cancelled_lines
        from purchases
        cross join snapshots
        where
            (purchases.customer_id, purchases.basket_id) in (
                select (cancelled.customer_id, cancelled.basket_id)
                from purchases as cancelled
                where cancelled.cancelled_at is not null
            )
    ) as basket_lines
    where cancelled_lines > 0 and (cancelled_at is null or cancelled_at >= snapshot_at)
    group by {{ key }}, snapshot_at

),

{% endfor -%}
expected as (

    select
        'history' as feature,
        snapshots.snapshot_at,
        count(*) as bought
    from basket_products
    inner join snapshots
        on basket_products.purchased_at < snapshots.snapshot_at
        and coalesce(basket_products.snapshot_at, snapshots.snapshot_at) = snapshots.snapshot_at
    where basket_products.customer_id is not null
    group by snapshots.snapshot_at

    union all

    select
        'categories' as feature,
        snapshots.snapshot_at,
        count(*) as bought
    from basket_categories
    inner join snapshots
        on basket_categories.purchased_at < snapshots.snapshot_at
        and coalesce(basket_categories.snapshot_at, snapshots.snapshot_at) = snapshots.snapshot_at
    where basket_categories.customer_id is not null and basket_categories.category <> ''
    group by snapshots.snapshot_at

    union all

    select
        'activity' as feature,
        snapshots.snapshot_at,
        count(*) as bought
    from basket_products
    inner join snapshots
        on basket_products.purchased_at < snapshots.snapshot_at
        and coalesce(basket_products.snapshot_at, snapshots.snapshot_at) = snapshots.snapshot_at
    group by snapshots.snapshot_at

    union all

    select
        'profile' as feature,
        snapshots.snapshot_at,
        count(*) as bought
    from baskets
    inner join snapshots
        on baskets.purchased_at < snapshots.snapshot_at
        and coalesce(baskets.snapshot_at, snapshots.snapshot_at) = snapshots.snapshot_at
    where baskets.customer_id is not null
    group by snapshots.snapshot_at

    union all

    select
        'label' as feature,
        snapshots.snapshot_at,
        count(distinct basket_products.customer_id || ' ' || basket_products.product_id) as bought
    from basket_products
    inner join snapshots
        on basket_products.purchased_at < snapshots.snapshot_at
        and basket_products.purchased_at >= snapshots.since_4w
        and coalesce(basket_products.snapshot_at, snapshots.snapshot_at) = snapshots.snapshot_at
    group by snapshots.snapshot_at

    union all

    select
        'outcome' as feature,
        snapshots.snapshot_at,
        count(*) as bought
    from baskets
    inner join snapshots
        on baskets.purchased_at < snapshots.snapshot_at
        and baskets.purchased_at >= snapshots.since_8w
        and coalesce(baskets.snapshot_at, snapshots.snapshot_at) = snapshots.snapshot_at
    where baskets.customer_id is not null
    group by snapshots.snapshot_at

),

found as (

    select
        'history' as feature,
        event_timestamp,
        sum({{ list_sum('baskets') }}) as bought
    from histories
    group by event_timestamp

    union all

    select
        'categories' as feature,
        event_timestamp,
        sum({{ list_sum('baskets') }}) as bought
    from categories
    group by event_timestamp

    union all

    select
        'activity' as feature,
        event_timestamp,
        sum(baskets) as bought
    from activities
    group by event_timestamp

    union all

    select
        'profile' as feature,
        event_timestamp,
        sum(baskets) as bought
    from profiles
    group by event_timestamp

    union all

    select
        'label' as feature,
        event_timestamp,
        sum({{ list_length('product_ids') }}) as bought
    from labels
    group by event_timestamp

    union all

    select
        'outcome' as feature,
        event_timestamp,
        sum({{ list_sum('weekly_baskets') }}) as bought
    from outcomes
    group by event_timestamp

)

select
    coalesce(expected.feature, found.feature) as feature,
    coalesce(expected.snapshot_at, found.event_timestamp) as snapshot_at,
    expected.bought as bought_before,
    found.bought as known_to_the_feature
from expected
full outer join found
    on expected.feature = found.feature and expected.snapshot_at = found.event_timestamp
-- A product that was only ever promoted has activity without a sale: nothing expected, 0 found.
where coalesce(expected.bought, 0) <> coalesce(found.bought, 0)
