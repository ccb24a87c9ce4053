{%- set lists = [] -%}
{%- for node in graph.nodes.values() if node.name == 'feat_customer_history' -%}
    {%- for column in node.columns.values() if column.data_type == 'float[]' -%}
        {%- do lists.append(column.name) -%}
    {%- endfor -%}
{%- endfor %}

select
    customer_id,
    event_timestamp
from {{ ref('feat_customer_history') }}
where
    {% for list in lists -%}
    coalesce({{ list_length(list) }}, 0) <> {{ list_length('product_ids') }} or
    {% endfor -%}
    {{ list_length('product_ids') }} = 0
