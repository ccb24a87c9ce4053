{%- set lists = [
    'baskets', 'days_since_last', 'days_since_first', 'gap_mean_days', 'gap_std_days', 'decayed_20d', 'decayed_60d',
    'decayed_120d', 'decayed_240d', 'baskets_2w', 'baskets_4w', 'baskets_8w', 'baskets_13w',
    'last_20_baskets', 'periods_4w', 'quantity', 'spend'
] %}

select
    customer_id,
    event_timestamp
from {{ ref('feat_customer_history') }}
where
    {{ list_length('product_ids') }} = 0
    {%- for list in lists %}
    or coalesce({{ list_length(list) }}, 0) <> {{ list_length('product_ids') }}
    {%- endfor %}
