{#- Asks the engine to compute a CTE once, however often it is read: `cte as {{
    materialized() }} (`. Nothing where the engine has no word for it. -#}
{% macro materialized() -%}
    {{ return(adapter.dispatch('materialized', 'segmentary')()) }}
{%- endmacro %}

{% macro default__materialized() -%}
{%- endmacro %}

{% macro duckdb__materialized() -%}
    materialized
{%- endmacro %}
