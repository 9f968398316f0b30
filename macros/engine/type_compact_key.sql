{#- The type of `compact_key`. -#}
{% macro type_compact_key() -%}
    {{ return(adapter.dispatch('type_compact_key', 'segmentary')()) }}
{%- endmacro %}

{% macro default__type_compact_key() -%}
    {{ dbt.type_string() }}
{%- endmacro %}

{% macro duckdb__type_compact_key() -%}
    uuid
{%- endmacro %}
