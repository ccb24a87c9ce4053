{#- No value of the columns lies outside the bounds (either is optional), and none is NaN. One scan tests all columns. -#}
{% test accepted_range(model, columns, min_value=none, max_value=none) %}

    select {{ columns | join(', ') }}
    from {{ model }}
    where
        {% for column in columns -%}
        cast({{ column }} as double) = cast('NaN' as double)
        {%- if min_value is not none %} or {{ column }} < {{ min_value }}{% endif %}
        {%- if max_value is not none %} or {{ column }} > {{ max_value }}{% endif %}
        {{ 'or' if not loop.last }}
        {% endfor %}

{% endtest %}
