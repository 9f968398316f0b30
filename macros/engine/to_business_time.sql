{#- The clock time of a UTC timestamp in the business time zone, as a timestamp. -#}
{% macro to_business_time(expression) -%}
    {{ return(adapter.dispatch('to_business_time', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro duckdb__to_business_time(expression) -%}
    timezone('{{ var("business_time_zone") }}', timezone('UTC', {{ expression }}))
{%- endmacro %}
