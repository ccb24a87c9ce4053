{#- No text of the columns is a word that means a missing value. -#}
{% test no_missing_words(model, columns) %}

    {% for column in columns -%}
    select '{{ column }}' as column_name, {{ column }} as word
    from {{ model }}
    where lower(trim({{ column }})) in ({% for word in var('missing_words') %}'{{ word }}'{{ ', ' if not loop.last }}{% endfor %})
        or {{ column }} <> trim({{ column }})
    {{ 'union all' if not loop.last }}
    {% endfor %}

{% endtest %}
