{%- set is_given = var('as_of', none) is not none -%}
{%- if execute and not is_given and adapter.get_relation(this.database, this.schema, this.identifier) is none -%}
    {{ exceptions.raise_compiler_error(
        "No day is known yet: run 'make features', or admit tables and build all: 'make dbt ARGS=build'."
    ) }}
{%- endif -%}

with final as (

    {% if is_given -%}
    select
        cast('{{ var("as_of") }}' as date) as as_of,
        cast('{{ var("as_of_instant") }}' as timestamp) as as_of_instant,
        '{{ var("timezone") }}' as timezone,
        {{ list_of_instants(var('snapshots')) }} as snapshots
    {%- else -%}
    select
        as_of,
        as_of_instant,
        timezone,
        snapshots
    from {{ this }}
    {%- endif %}

)

select * from final
