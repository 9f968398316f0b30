{#- Text to a UTC timestamp, missing where it can't be read. Text with an offset says
    itself what time it means; other text is local time of the given zone. -#}
{% macro parse_timestamp(expression, time_zone) -%}
    {{ return(adapter.dispatch('parse_timestamp', 'segmentary')(expression, time_zone)) }}
{%- endmacro %}

{% macro duckdb__parse_timestamp(expression, time_zone) -%}
    case
        when regexp_matches({{ expression }}, ':\d{2}(\.\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)$')
            then timezone('UTC', try_cast({{ expression }} as timestamptz))
        else
            timezone(
                'UTC',
                timezone('{{ time_zone }}', try_cast({{ expression }} as timestamp))
            )
    end
{%- endmacro %}
