{#- Ends a run at once with a sentence if nothing has landed yet, because each view would name a missing file. -#}
{% macro require_tables() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test'] and count_landed_files() == 0 -%}
        {{ exceptions.raise_compiler_error(
            "There are no admitted tables in the data directory, so there is nothing to build: run 'make demo', or "
            ~ "'.venv/bin/python -m landing admit' for the tables alone. REACH_DATA names another directory, as an absolute path."
        ) }}
    {%- endif -%}
{%- endmacro %}


{% macro count_landed_files() -%}
    {{ return(adapter.dispatch('count_landed_files')()) }}
{%- endmacro %}

{% macro duckdb__count_landed_files() -%}
    {%- set data = env_var('REACH_DATA', '../data') -%}
    {%- set query -%}
        select
            (select count(*) from glob('{{ data }}/admitted/*.parquet'))
            + (select count(*) from glob('{{ data }}/feedback/landed/*.parquet')) as files
    {%- endset -%}
    {{ return(run_query(query).columns[0].values()[0]) }}
{%- endmacro %}
