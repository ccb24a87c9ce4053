{#- The median, interpolated between the two middle values of an even count. -#}
{% macro median_of(expression) -%}
    {{ return(adapter.dispatch('median_of')(expression)) }}
{%- endmacro %}

{% macro duckdb__median_of(expression) -%}
    quantile_cont({{ expression }}, 0.5)
{%- endmacro %}


{#- How many distinct small whole numbers (a store's, a weekday's) a group has. A set of bits a group: on 20 million
    rows a fifth of the time and of the memory of count(distinct), which keeps a hash table a group. -#}
{% macro distinct_numbers(number, where) -%}
    {{ return(adapter.dispatch('distinct_numbers')(number, where)) }}
{%- endmacro %}

{% macro duckdb__distinct_numbers(number, where) -%}
    coalesce(bit_count(bitstring_agg({{ number }}) filter (where {{ where }})), 0)
{%- endmacro %}
