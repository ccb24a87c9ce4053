{#- Write a feature table as one Parquet file to <data>/features/staged. The engine writes under a temporary name and
    moves the file, so a reader finds it whole or not at all. Sorted by key and time, the first two columns of each: the same rows give the same
    bytes, and a point-in-time join reads the rows of one key together. -#}
{% macro publish_staged(relation) -%}
    {{ return(adapter.dispatch('publish_staged')(relation)) }}
{%- endmacro %}

{% macro duckdb__publish_staged(relation) -%}
    copy (select * from {{ relation }} order by 1, 2)
    to '{{ env_var("REACH_DATA", "data") }}/features/staged/{{ relation.identifier }}.parquet'
    (format parquet, compression zstd, row_group_size 8192, use_tmp_file true)
{%- endmacro %}
