{#- The calendar date of a UTC timestamp in the business time zone. -#}
{% macro to_business_date(expression) -%}
    {{ return(adapter.dispatch('to_business_date', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro duckdb__to_business_date(expression) -%}
    cast(
        timezone('{{ var("business_time_zone") }}', timezone('UTC', {{ expression }}))
        as date
    )
{%- endmacro %}
