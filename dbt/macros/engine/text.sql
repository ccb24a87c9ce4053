{#- 'ICE - CRUSHED/CUBED' -> 'Ice - Crushed/Cubed': a name for customers from the name on a receipt. -#}
{% macro title_case(text) -%}
    {{ return(adapter.dispatch('title_case')(text)) }}
{%- endmacro %}

{% macro duckdb__title_case(text) -%}
    {{ duckdb__capitalise_parts(duckdb__capitalise_parts('lower(' ~ text ~ ')', ' '), '/') }}
{%- endmacro %}

{% macro duckdb__capitalise_parts(text, separator) -%}
    array_to_string(
        list_transform(
            string_split({{ text }}, '{{ separator }}'),
            lambda part: upper(substr(part, 1, 1)) || substr(part, 2)
        ),
        '{{ separator }}'
    )
{%- endmacro %}
