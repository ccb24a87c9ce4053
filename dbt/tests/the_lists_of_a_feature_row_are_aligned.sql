-- Element i of every list describes the same product or category. A history is never empty.
{%- set subjects = {'feat_customer_history': 'product_ids', 'feat_customer_categories': 'categories'} -%}
{%- set lists = {'feat_customer_history': [], 'feat_customer_categories': ['departments']} -%}
{%- for node in graph.nodes.values() if node.name in subjects -%}
    {%- for column in node.columns.values() if column.data_type == 'float[]' -%}
        {%- do lists[node.name].append(column.name) -%}
    {%- endfor -%}
{%- endfor %}

{% for table, subject in subjects.items() -%}
select
    '{{ table }}' as table_name,
    customer_id,
    event_timestamp
from {{ ref(table) }}
where
    {{ list_length(subject) }} < {{ 1 if table == 'feat_customer_history' else 0 }}
    {% for list in lists[table] -%}
    or coalesce({{ list_length(list) }}, 0) <> {{ list_length(subject) }}
    {% endfor -%}
{{ 'union all' if not loop.last }}
{% endfor %}
