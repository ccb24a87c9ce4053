{#- Logs the rows that do not count after a build of `audit_rows`, with numbers and an example. -#}
{% macro log_audit(results) -%}
    {%- if execute and results | selectattr('node.name', 'equalto', 'audit_rows')
            | selectattr('status', 'equalto', 'success') | list -%}
        {%- set query -%}
            select table_name, left_out, all_rows, reason, example
            from {{ target.schema }}.audit_rows
            where left_out > 0
            order by table_name, reason
        {%- endset -%}
        {%- for row in run_query(query) -%}
            {{ log(
                row['left_out'] ~ ' of ' ~ row['all_rows'] ~ ' rows of ' ~ row['table_name'] ~ ' do not count: '
                ~ row['reason'] ~ ' (for example ' ~ row['example'] ~ ')', info=True
            ) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
