{#- At most this share of the rows refers to something that `to` does not have. -#}
{% test orphan_share_at_most(model, column_name, to, field, share) %}

    with counted as (

        select
            count(*) as all_rows,
            count(*) - count(parents.{{ field }}) as orphans
        from {{ model }} as children
        left join {{ to }} as parents on children.{{ column_name }} = parents.{{ field }}

    )

    select *
    from counted
    where orphans > {{ share }} * all_rows

{% endtest %}
