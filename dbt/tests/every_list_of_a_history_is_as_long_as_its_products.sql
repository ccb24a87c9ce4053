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
    {{ list_length('product_ids') }} = 0
    {%- for list in lists %}
    or coalesce({{ list_length(list) }}, 0) <> {{ list_length('product_ids') }}
    {%- endfor %}
