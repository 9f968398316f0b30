{#- The calendar date of a UTC timestamp in the business time zone. -#}
{% macro to_business_date(expression) -%}
    {{ return(adapter.dispatch('to_business_date', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro duckdb__to_business_date(expression) -%}
    {#- Turning a time from zone to zone takes ten times what the rest does. -#}
    {%- set time_zone = var('business_time_zone') -%}
    {%- if time_zone == 'UTC' -%}
        cast({{ expression }} as date)
    {%- else -%}
        cast(
            timezone('{{ time_zone }}', timezone('UTC', {{ expression }})) as date
        )
    {%- endif -%}
{%- endmacro %}
