{#- Text without blanks at its ends: spaces, tabs, line breaks and no-break spaces, which
    a plain `trim` may leave. -#}
{% macro trim_blanks(expression) -%}
    {{ return(adapter.dispatch('trim_blanks', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__trim_blanks(expression) -%}
    trim({{ expression }})
{%- endmacro %}

{% macro duckdb__trim_blanks(expression) -%}
    {#- Most text has none, which its first and last character tell: far faster. Text
        that sorts between two visible characters begins with one. -#}
    case
        when
            {{ expression }} between '!' and '~'
            and ({{ expression }})[-1] between '!' and '~'
            then {{ expression }}
        else trim({{ expression }}, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
    end
{%- endmacro %}
