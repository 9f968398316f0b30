{#- The texts at several paths of a JSON object, in whatever form the engine reads them
    fastest: for `json_field`. DuckDB parses the object once for all paths, where each
    `json_text` parses it again: 15 times faster at 33 paths. -#}
{% macro json_fields(expression, paths) -%}
    {{ return(adapter.dispatch('json_fields', 'segmentary')(expression, paths)) }}
{%- endmacro %}

{% macro default__json_fields(expression, paths) -%}
    {{ expression }}
{%- endmacro %}

{% macro duckdb__json_fields(expression, paths) -%}
    json_extract_string(
        {{ expression }},
        [
            {%- for path in paths %}
            '$.{{ path }}'{{ ',' if not loop.last }}
            {%- endfor %}
        ]
    )
{%- endmacro %}
