{#- Time as this warehouse computes it, one macro per operation; other warehouses add an `<adapter>__` version. -#}

{#- Fractional days from one instant to a later one. -#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    (date_diff('microsecond', {{ earlier }}, {{ later }}) / 86400000000.0)
{%- endmacro %}


{#- The shop's calendar day on which a UTC instant falls. -#}
{% macro local_date(instant) -%}
    {{ return(adapter.dispatch('local_date')(instant)) }}
{%- endmacro %}

{% macro duckdb__local_date(instant) -%}
    cast({{ instant }} at time zone 'UTC' at time zone '{{ run_var("timezone") }}' as date)
{%- endmacro %}


{#- The UTC instant at which a calendar day begins in the shop. -#}
{% macro start_of_local_day(day) -%}
    {{ return(adapter.dispatch('start_of_local_day')(day)) }}
{%- endmacro %}

{% macro duckdb__start_of_local_day(day) -%}
    (cast({{ day }} as timestamp) at time zone '{{ run_var("timezone") }}' at time zone 'UTC')
{%- endmacro %}


{#- A date moved by whole days. -#}
{% macro days_after(day, days) -%}
    {{ return(adapter.dispatch('days_after')(day, days)) }}
{%- endmacro %}

{% macro duckdb__days_after(day, days) -%}
    ({{ day }} + cast({{ days }} as integer))
{%- endmacro %}


{#- Whole days two closed date ranges have in common; 0 if they do not meet. -#}
{% macro days_in_common(starts, ends, other_starts, other_ends) -%}
    {{ return(adapter.dispatch('days_in_common')(starts, ends, other_starts, other_ends)) }}
{%- endmacro %}

{% macro duckdb__days_in_common(starts, ends, other_starts, other_ends) -%}
    greatest(0, least({{ ends }}, {{ other_ends }}) - greatest({{ starts }}, {{ other_starts }}) + 1)
{%- endmacro %}


{#- The instant some minutes before another. -#}
{% macro minutes_before(instant, minutes) -%}
    {{ return(adapter.dispatch('minutes_before')(instant, minutes)) }}
{%- endmacro %}

{% macro duckdb__minutes_before(instant, minutes) -%}
    ({{ instant }} - to_minutes({{ minutes }}))
{%- endmacro %}


{#- The hour of the shop's day, 0 to 23, at a UTC instant. -#}
{% macro local_hour(instant) -%}
    {{ return(adapter.dispatch('local_hour')(instant)) }}
{%- endmacro %}

{% macro duckdb__local_hour(instant) -%}
    hour({{ instant }} at time zone 'UTC' at time zone '{{ run_var("timezone") }}')
{%- endmacro %}


{#- The day of the shop's week at a UTC instant: 1 is Monday, 7 is Sunday. -#}
{% macro local_weekday(instant) -%}
    {{ return(adapter.dispatch('local_weekday')(instant)) }}
{%- endmacro %}

{% macro duckdb__local_weekday(instant) -%}
    isodow({{ instant }} at time zone 'UTC' at time zone '{{ run_var("timezone") }}')
{%- endmacro %}
