{#- The columns together name one row. `newest_by`: only the rows with the greatest value of this column are tested,
    where a table is too large for a test of all in each build. -#}
{% test unique_combination_of_columns(model, combination_of_columns, newest_by=none) %}

    select
        {{ combination_of_columns | join(', ') }},
        count(*) as copies
    from {{ model }}
    {% if newest_by is not none -%}
    where {{ newest_by }} = (select max({{ newest_by }}) from {{ model }})
    {% endif -%}
    group by {{ combination_of_columns | join(', ') }}
    having count(*) > 1

{% endtest %}
