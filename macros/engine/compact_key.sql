{#- A key of sixteen bytes from one text; missing where the text is. Smaller than a key in
    hexadecimal and cheaper to make, group and sort, for tables with a row for each
    event. -#}
{% macro compact_key(expression) -%}
    {{ return(adapter.dispatch('compact_key', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__compact_key(expression) -%}
    {{ dbt.hash(expression) }}
{%- endmacro %}

{% macro duckdb__compact_key(expression) -%}
    cast(md5_number({{ expression }}) as uuid)
{%- endmacro %}
