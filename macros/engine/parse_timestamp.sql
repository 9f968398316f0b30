{#- Text to a UTC timestamp, missing where it can't be read. Text with an offset says
    itself what time it means; other text is local time of the given zone. -#}
{% macro parse_timestamp(expression, time_zone) -%}
    {{ return(adapter.dispatch('parse_timestamp', 'segmentary')(expression, time_zone)) }}
{%- endmacro %}

{% macro duckdb__parse_timestamp(expression, time_zone) -%}
    {#- DuckDB reads past the name of a zone (`10:00 PST`) and takes words (`epoch`): only
        text from a digit to a digit can be local time. The first form is JavaScript's,
        and with it most senders': it takes a quarter of the time of the others. What a
        plain cast reads to a `Z` at the end, without blanks, is meant in UTC. -#}
    {%- set text = trim_blanks(expression) -%}
    case
        when
            {{ text }} like '____-__-__T__:__:__%Z' and {{ text }} not like '% %'
            then try_cast({{ text }} as timestamp)
        when
            regexp_matches(
                {{ text }}, ':\d{2}(\.\d+)?\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)$'
            )
            then
                timezone(
                    'UTC',
                    try_cast(
                        replace(replace({{ text }}, ' +', '+'), ' -', '-') as timestamptz
                    )
                )
        when
            left({{ text }}, 1) between '0' and '9'
            and right({{ text }}, 1) between '0' and '9'
            then
                timezone(
                    'UTC',
                    timezone('{{ time_zone }}', try_cast({{ text }} as timestamp))
                )
    end
{%- endmacro %}
