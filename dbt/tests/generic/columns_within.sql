{#- No value of the columns lies outside the bounds (either may be left out), and none is NaN. One scan for all. -#}
{% test columns_within(model, columns, minimum=none, maximum=none) %}

    select {{ columns | join(', ') }}
    from {{ model }}
    where
        {% for column in columns -%}
        cast({{ column }} as double) = cast('NaN' as double)
        {%- if minimum is not none %} or {{ column }} < {{ minimum }}{% endif %}
        {%- if maximum is not none %} or {{ column }} > {{ maximum }}{% endif %}
        {{ 'or' if not loop.last }}
        {% endfor %}

{% endtest %}
