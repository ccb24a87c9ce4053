{#- Trimmed text; NULL for a word that means a missing value (var `missing_words`). -#}
{% macro clean_text(column) -%}
    case
        when lower(trim({{ column }})) in ({% for word in var('missing_words') %}'{{ word }}'{{ ', ' if not loop.last }}{% endfor %}) then null
        else trim({{ column }})
    end
{%- endmacro %}
