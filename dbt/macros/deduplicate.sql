{#- The first row of each key, by an order without ties: a duplicate counts once, whichever copy was read first. -#}
{% macro deduplicate(relation, key, order_by) -%}
    select *
    from (
        select
            *,
            row_number() over (partition by {{ key }} order by {{ order_by }}) as copy_number
        from {{ relation }}
    ) as ranked
    where copy_number = 1
{%- endmacro %}
