{#- The pairs of an array of objects with `key` and `value`, as Google Analytics exports
    parameters, in whatever form the engine looks one up fastest: for `pair_value`. -#}
{% macro json_pairs(expression, path) -%}
    {{ return(adapter.dispatch('json_pairs', 'segmentary')(expression, path)) }}
{%- endmacro %}

{% macro duckdb__json_pairs(expression, path) -%}
    from_json(
        json_extract({{ expression }}, '$.{{ path }}'),
        '[{"key": "VARCHAR", "value": {
            "string_value": "VARCHAR", "int_value": "VARCHAR",
            "float_value": "VARCHAR", "double_value": "VARCHAR"
        }}]'
    )
{%- endmacro %}
