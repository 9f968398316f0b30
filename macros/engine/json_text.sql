{#- The text at a path of a JSON object, missing where there is none. -#}
{% macro json_text(expression, path) -%}
    {{ return(adapter.dispatch('json_text', 'segmentary')(expression, path)) }}
{%- endmacro %}

{% macro duckdb__json_text(expression, path) -%}
    json_extract_string({{ expression }}, '$.{{ path }}')
{%- endmacro %}
