{#- The value of a key among the pairs of `json_pairs`, as text whatever its type; the
    first one's where a key is there twice. -#}
{% macro pair_value(pairs, key) -%}
    {{ return(adapter.dispatch('pair_value', 'segmentary')(pairs, key)) }}
{%- endmacro %}

{% macro duckdb__pair_value(pairs, key) -%}
    {#- Dots would read as columns of a table. -#}
    {%- set value = "struct_extract(pair, 'value')" -%}
    list_extract(
        list_transform(
            list_filter(
                {{ pairs }}, lambda pair: struct_extract(pair, 'key') = '{{ key }}'
            ),
            lambda pair: coalesce(
                struct_extract({{ value }}, 'string_value'),
                struct_extract({{ value }}, 'int_value'),
                struct_extract({{ value }}, 'double_value'),
                struct_extract({{ value }}, 'float_value')
            )
        ),
        1
    )
{%- endmacro %}
