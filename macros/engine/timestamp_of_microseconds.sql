{#- The UTC timestamp of microseconds since 1970, missing where the text is no such number
    or lies after the year 9999. -#}
{% macro timestamp_of_microseconds(expression) -%}
    {{ return(adapter.dispatch('timestamp_of_microseconds', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro duckdb__timestamp_of_microseconds(expression) -%}
    case
        when try_cast({{ expression }} as bigint) between 0 and 253402300799999999
            then make_timestamp(try_cast({{ expression }} as bigint))
    end
{%- endmacro %}
