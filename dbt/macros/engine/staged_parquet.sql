{#- A feature table: one Parquet file in <data>/features/staged, and a view on the file in the warehouse.

    The rows are stored once, because a copy in the warehouse of 12 million list elements takes longer than computing
    them. The engine writes under a temporary name and moves the file, so a reader finds a complete file or none. Rows are sorted by key and time, the first two columns of each: the same rows give the same bytes,
    and a point-in-time join reads the rows of one key together.

    The file stays where it is: `publish` gives it a second name, so the view can be read at any time. Each build makes
    another file, because the engine moves it here, and what is published never changes. Its footer names the dbt run
    that wrote it, so that `publish` refuses tables of two runs.

    Another warehouse brings a `staged_parquet` of its own, for example a table and an UNLOAD. -#}
{% materialization staged_parquet, adapter='duckdb' %}

    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='view') -%}
    {%- set location = staged_location(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
        {%- set rows = get_select_subquery(sql) -%}
    {%- else -%}
        {%- set rows = sql -%}
    {%- endif -%}

    {% call statement('write') -%}
        copy (select * from ({{ rows }}) order by 1, 2) to '{{ location }}'
        (format parquet, compression zstd, row_group_size 8192, use_tmp_file true,
        kv_metadata {reach_build: '{{ invocation_id }}'})
    {%- endcall %}

    {%- if existing is not none and not existing.is_view -%}
        {{ drop_relation_if_exists(existing) }}
    {%- endif -%}
    {% call statement('main') -%}
        create or replace view {{ target }} as select * from read_parquet('{{ location }}')
    {%- endcall %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}

{% endmaterialization %}


{#- The path of the staged file of a feature table. -#}
{% macro staged_location(relation) -%}
    {{ env_var('REACH_DATA', '../data') }}/features/staged/{{ relation.identifier }}.parquet
{%- endmacro %}
