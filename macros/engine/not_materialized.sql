{#- Asks the engine to read a CTE's sources anew for each of its readers, so that each
    reads its own few columns and wide rows are never kept in between: `cte as {{
    not_materialized() }} (`. Nothing where the engine has no word for it. -#}
{% macro not_materialized() -%}
    {{ return(adapter.dispatch('not_materialized', 'segmentary')()) }}
{%- endmacro %}

{% macro default__not_materialized() -%}
{%- endmacro %}

{% macro duckdb__not_materialized() -%}
    not materialized
{%- endmacro %}
