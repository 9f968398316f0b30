{#- Text of a Google Analytics export; what it and tag managers write where they have no
    value, or withhold it, is a missing value. -#}
{% macro ga4_text(expression) -%}
    case
        when
            lower({{ trim_blanks(expression) }}) not in (
                '', '(not set)', '(not provided)', '(data deleted)', '<other>', '(other)',
                '(none)', '(direct)', 'null', 'undefined', 'none', 'nan', 'n/a'
            )
            then {{ trim_blanks(expression) }}
    end
{%- endmacro %}
