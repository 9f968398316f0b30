{#- A relation with one row for each element of a JSON array: the relation's columns,
    `element` (the element's JSON text) and `element_number`, from 1. Rows whose array is
    missing or empty have none. -#}
{% macro json_elements(relation, expression, path) -%}
    {{ return(adapter.dispatch('json_elements', 'segmentary')(
        relation, expression, path
    )) }}
{%- endmacro %}

{% macro duckdb__json_elements(relation, expression, path) -%}
    {%- set elements -%}
        from_json(json_extract({{ expression }}, '$.{{ path }}'), '["JSON"]')
    {%- endset -%}
    select
        *,
        cast(unnest({{ elements }}) as varchar) as element,
        generate_subscripts({{ elements }}, 1) as element_number
    from {{ relation }}
{%- endmacro %}
