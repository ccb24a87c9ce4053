{#- The columns together identify one row. `newest_by`: only the rows with the greatest value of this column are tested,
    because a test of a large table in each build takes too long. -#}
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
