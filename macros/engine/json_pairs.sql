{#- The pairs of an array of objects with `key` and `value`, as Google Analytics exports
    parameters, in whatever form the engine looks one up fastest: for `pair_value`. -#}
{% macro json_pairs(expression) -%}
    {{ return(adapter.dispatch('json_pairs', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro duckdb__json_pairs(expression) -%}
    from_json(
        {{ expression }},
        '[{"key": "VARCHAR", "value": {
            "string_value": "VARCHAR", "int_value": "VARCHAR",
            "float_value": "VARCHAR", "double_value": "VARCHAR"
        }}]'
    )
{%- endmacro %}
