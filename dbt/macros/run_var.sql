{#- A variable of the run as given, otherwise its value in the last build, so that dbt without variables uses the day of
    the last run. -#}
{% macro run_var(name) -%}
    {%- set given = var(name, none) -%}
    {%- if given is not none -%}
        {{ return(given) }}
    {%- endif -%}
    {%- if execute -%}
        {%- set run = adapter.get_relation(target.database, target.schema, 'int_run') -%}
        {%- if run is not none -%}
            {{ return(run_query('select cast(' ~ name ~ ' as varchar) as value from ' ~ run).columns[0].values()[0]) }}
        {%- endif -%}
    {%- endif -%}
    {#- No value is available while dbt reads the project; the facts of feedback need only a time zone. -#}
    {{ return(
        {'timezone': 'America/New_York', 'as_of': '2018-01-01', 'as_of_instant': '2018-01-01 05:00:00'}[name]
    ) }}
{%- endmacro %}
