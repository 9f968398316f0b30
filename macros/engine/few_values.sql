{#- The values of a column of a relation that is known to have few rows, as a relation.
    Where DuckDB expects many, it would keep the large table that is searched for them in
    memory, and look them up there; of a list it expects few. -#}
{% macro few_values(relation, column) -%}
    {{ return(adapter.dispatch('few_values', 'segmentary')(relation, column)) }}
{%- endmacro %}

{% macro default__few_values(relation, column) -%}
    select few.{{ column }} from {{ relation }} as few
{%- endmacro %}

{% macro duckdb__few_values(relation, column) -%}
    select unnest(listed.few) as {{ column }}
    from (select list(few.{{ column }}) as few from {{ relation }} as few) as listed
{%- endmacro %}
