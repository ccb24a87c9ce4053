{#- No value of these columns is NULL; by default of all columns. One scan tests all columns. -#}
{% test not_null_columns(model, columns=none) %}

    {%- if columns is none and execute -%}
        {%- set columns = adapter.get_columns_in_relation(model) | map(attribute='name') | list -%}
    {%- endif %}

    select *
    from {{ model }}
    where {% for column in columns or ['1'] %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}

{% endtest %}
