{#- At most this share of the rows (`tolerance`) refers to a row that `to` lacks. -#}
{% test relationships_with_tolerance(model, column_name, to, field, tolerance) %}

    with counted as (

        select
            count(*) as all_rows,
            count(*) - count(parents.{{ field }}) as orphans
        from {{ model }} as children
        left join {{ to }} as parents on children.{{ column_name }} = parents.{{ field }}

    )

    select *
    from counted
    where orphans > {{ tolerance }} * all_rows

{% endtest %}
