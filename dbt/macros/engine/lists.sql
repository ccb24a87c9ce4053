{#- Several columns of a group become lists that share one order: element i of every list is the same row.
    The rows are sorted once, as structs, and then taken apart; sorting each list alone costs many times more.
    Use `sorted_rows` in the grouping select and `list_of` on its result. -#}

{% macro sorted_rows(columns, order_by) -%}
    {{ return(adapter.dispatch('sorted_rows')(columns, order_by)) }}
{%- endmacro %}

{% macro duckdb__sorted_rows(columns, order_by) -%}
    list({
        {%- for column in columns %}'{{ column }}': {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    } order by {{ order_by }})
{%- endmacro %}


{% macro list_of(rows, column) -%}
    {{ return(adapter.dispatch('list_of')(rows, column)) }}
{%- endmacro %}

{% macro duckdb__list_of(rows, column) -%}
    list_transform({{ rows }}, lambda element: element['{{ column }}'])
{%- endmacro %}


{#- The list, or an empty one in place of NULL. -#}
{% macro list_or_empty(list) -%}
    {{ return(adapter.dispatch('list_or_empty')(list)) }}
{%- endmacro %}

{% macro duckdb__list_or_empty(list) -%}
    coalesce({{ list }}, [])
{%- endmacro %}


{#- The values of one column as a list in their own order. -#}
{% macro sorted_list(column) -%}
    {{ return(adapter.dispatch('sorted_list')(column)) }}
{%- endmacro %}

{% macro duckdb__sorted_list(column) -%}
    list({{ column }} order by {{ column }})
{%- endmacro %}


{% macro list_length(column) -%}
    {{ return(adapter.dispatch('list_length')(column)) }}
{%- endmacro %}

{% macro duckdb__list_length(column) -%}
    len({{ column }})
{%- endmacro %}


{% macro list_sum(column) -%}
    {{ return(adapter.dispatch('list_sum')(column)) }}
{%- endmacro %}

{% macro duckdb__list_sum(column) -%}
    list_sum({{ column }})
{%- endmacro %}


{#- Sums of a group's values by a whole number from 0 on, as one list: element i is the sum where `by` is i. -#}
{% macro list_of_sums(value, by, length) -%}
    {{ return(adapter.dispatch('list_of_sums')(value, by, length)) }}
{%- endmacro %}

{% macro duckdb__list_of_sums(value, by, length) -%}
    [
        {%- for index in range(length) -%}
        cast(coalesce(sum({{ value }}) filter (where {{ by }} = {{ index }}), 0) as real){{ ', ' if not loop.last }}
        {%- endfor -%}
    ]
{%- endmacro %}


{#- A list of UTC instants written as text. -#}
{% macro list_of_instants(texts) -%}
    {{ return(adapter.dispatch('list_of_instants')(texts)) }}
{%- endmacro %}

{% macro duckdb__list_of_instants(texts) -%}
    [{% for text in texts %}timestamp '{{ text }}'{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}


{#- The elements of a list as rows, in a select. -#}
{% macro rows_of(column) -%}
    {{ return(adapter.dispatch('rows_of')(column)) }}
{%- endmacro %}

{% macro duckdb__rows_of(column) -%}
    unnest({{ column }})
{%- endmacro %}


{#- Whether no element is greater than the one before it. -#}
{% macro list_descends(column) -%}
    {{ return(adapter.dispatch('list_descends')(column)) }}
{%- endmacro %}

{% macro duckdb__list_descends(column) -%}
    ({{ column }} = list_reverse_sort({{ column }}))
{%- endmacro %}
