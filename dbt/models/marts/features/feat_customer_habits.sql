{#- A habit over the baskets of the last 26 weeks, and over its odd and its even baskets: a tag is as reliable as
    the two halves agree. -#}
{%- set halves = {'': 'true', '_odd': 'is_odd', '_even': 'not is_odd'} -%}
{%- set means = {'basket_value': 'spend', 'basket_lines': 'products'} -%}
{%- set shares_of_baskets = {
    'evening_share': 'is_evening',
    'morning_share': 'is_morning',
    'weekend_share': 'is_weekend',
    'coupon_share': 'has_coupon'
} -%}
{%- set words = {'store_id': 'store_share', 'weekday': 'weekday_share'} -%}

with known_customers as (

    select * from {{ ref('int_customer_baskets') }}

),

all_baskets as (

    select * from {{ ref('int_basket_habits') }}

),

price_levels as (

    select * from {{ ref('int_customer_price_levels') }}

),

customers as (

    select * from {{ ref('int_customers_keyed') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

baskets as (

    select
        all_baskets.*,
        snapshots.snapshot_at
    from all_baskets
    inner join snapshots
        on all_baskets.purchased_at >= snapshots.since_26w
        and all_baskets.purchased_at < snapshots.snapshot_at

),

totals as (

    select
        {% for half, condition in halves.items() -%}
        count(*) filter (where {{ condition }}) as baskets{{ half }},
        sum(spend) filter (where {{ condition }}) as spend{{ half }},
        sum(products) filter (where {{ condition }}) as products{{ half }},
        sum(private_label_spend) filter (where {{ condition }}) as private_label_spend{{ half }},
        sum(retail_discount) filter (where {{ condition }}) as retail_discount{{ half }},
        {% for share, flag in shares_of_baskets.items() -%}
        count(*) filter (where {{ condition }} and {{ flag }}) as {{ share }}_baskets{{ half }},
        {% endfor -%}
        {% endfor -%}
        snapshot_at,
        customer_key,
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at
    from baskets
    group by snapshot_at, customer_key

),

{% for word in words -%}
{{ word }}_baskets as (

    select
        {% for half, condition in halves.items() -%}
        count(*) filter (where {{ condition }}) as baskets{{ half }},
        {% endfor -%}
        snapshot_at,
        customer_key,
        {{ word }},
        max(purchased_at) as last_purchased_at
    from baskets
    where {{ word }} is not null
    group by snapshot_at, customer_key, {{ word }}

),

-- The most frequent; of equals, the one seen last.
{{ word }}_places as (

    select
        *,
        row_number() over (
            partition by snapshot_at, customer_key
            order by baskets desc, last_purchased_at desc, {{ word }}
        ) as place,
        row_number() over (
            partition by snapshot_at, customer_key
            order by baskets_odd desc, last_purchased_at desc, {{ word }}
        ) as place_odd,
        row_number() over (
            partition by snapshot_at, customer_key
            order by baskets_even desc, last_purchased_at desc, {{ word }}
        ) as place_even
    from {{ word }}_baskets

),

most_frequent_{{ word }} as (

    select
        {% for half in halves -%}
        max(case when place{{ half }} = 1 and baskets{{ half }} > 0 then {{ word }} end) as {{ word }}{{ half }},
        max(baskets{{ half }}) as baskets{{ half }},
        {% endfor -%}
        snapshot_at,
        customer_key
    from {{ word }}_places
    group by snapshot_at, customer_key

),

{% endfor -%}
final as (

    select
        customers.customer_id,
        known_customers.snapshot_at as event_timestamp,
        known_customers.snapshot_at as created_timestamp,
        {% for half in halves -%}
        cast(coalesce(totals.baskets{{ half }}, 0) as double) as baskets{{ half }},
        {% for mean, sum in means.items() -%}
        coalesce(cast(totals.{{ sum }}{{ half }} as double) / nullif(totals.baskets{{ half }}, 0), 0)
            as {{ mean }}{{ half }},
        {% endfor -%}
        coalesce(
            cast(totals.private_label_spend{{ half }} as double)
            / nullif(cast(totals.spend{{ half }} as double), 0), 0
        ) as private_label_share{{ half }},
        coalesce(
            cast(totals.retail_discount{{ half }} as double)
            / nullif(cast(totals.spend{{ half }} + totals.retail_discount{{ half }} as double), 0), 0
        ) as discount_share{{ half }},
        coalesce(price_levels.log_ratio{{ half }} / nullif(price_levels.lines{{ half }}, 0), 0)
            as price_position{{ half }},
        {% for share in shares_of_baskets -%}
        coalesce(cast(totals.{{ share }}_baskets{{ half }} as double) / nullif(totals.baskets{{ half }}, 0), 0)
            as {{ share }}{{ half }},
        {% endfor -%}
        {% for word, share in words.items() -%}
        coalesce(most_frequent_{{ word }}.{{ word }}{{ half }}, '') as {{ word }}{{ half }},
        coalesce(
            cast(most_frequent_{{ word }}.baskets{{ half }} as double) / nullif(totals.baskets{{ half }}, 0), 0
        ) as {{ share }}{{ half }},
        {% endfor -%}
        {% endfor -%}
        coalesce({{ days_between('totals.first_purchased_at', 'known_customers.snapshot_at') }}, 0)
            as days_since_first,
        coalesce({{ days_between('totals.last_purchased_at', 'known_customers.snapshot_at') }}, 0)
            as days_since_last
    from known_customers
    inner join customers on known_customers.customer_key = customers.customer_key
    left join totals
        on known_customers.snapshot_at = totals.snapshot_at
        and known_customers.customer_key = totals.customer_key
    left join price_levels
        on known_customers.snapshot_at = price_levels.snapshot_at
        and known_customers.customer_key = price_levels.customer_key
    {% for word in words -%}
    left join most_frequent_{{ word }}
        on known_customers.snapshot_at = most_frequent_{{ word }}.snapshot_at
        and known_customers.customer_key = most_frequent_{{ word }}.customer_key
    {% endfor %}
)

select * from final
