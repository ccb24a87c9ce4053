-- The admitted lines equal purchases plus returns, in every measure.
{%- set measures = {
    'quantity': 'quantity', 'sales_value': 'spend', 'retail_discount': 'retail_discount',
    'coupon_discount': 'coupon_discount', 'coupon_match_discount': 'coupon_match_discount'
} %}

with admitted as (

    select
        {% for landed in measures -%}
        sum({{ 'abs(' ~ landed ~ ')' if 'discount' in landed else landed }}) as {{ landed }},
        {% endfor -%}
        count(*) as lines
    from {{ source('landing', 'transactions') }}

),

bought as (

    select
        {% for landed, kept in measures.items() -%}
        coalesce(sum({{ kept }}), 0) as {{ landed }},
        {% endfor -%}
        count(*) as lines
    from {{ ref('fct_purchases') }}
    where not is_provisional

),

returned as (

    select
        {% for landed in measures -%}
        coalesce(sum({{ landed }}), 0) as {{ landed }},
        {% endfor -%}
        count(*) as lines
    from {{ ref('stg_landing__transactions') }}
    where is_return

),

compared as (

    select
        'lines' as measure,
        admitted.lines as landed,
        bought.lines + returned.lines as kept
    from admitted cross join bought cross join returned

    {%- for landed in measures %}
    union all
    select
        '{{ landed }}' as measure,
        coalesce(admitted.{{ landed }}, 0) as landed,
        bought.{{ landed }} + returned.{{ landed }} as kept
    from admitted cross join bought cross join returned
    {%- endfor %}

)

select *
from compared
where abs(landed - kept) >= 0.005
