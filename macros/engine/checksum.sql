{#- An aggregate that is the same for two relations with as many rows, one of them without
    repeats, only if the other has the same values without repeats, too (on DuckDB but for
    a chance of 1 in 2^64). -#}
{% macro checksum(expression) -%}
    {{ return(adapter.dispatch('checksum', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__checksum(expression) -%}
    count(distinct {{ expression }})
{%- endmacro %}

{% macro duckdb__checksum(expression) -%}
    {#- Counting what is distinct keeps every value in memory. -#}
    sum(cast(hash({{ expression }}) as hugeint))
{%- endmacro %}
