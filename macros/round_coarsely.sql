{#- A number that hardly anybody can be found by: whole below 10, from there on with one
    digit that isn't 0. -#}
{% macro round_coarsely(expression) -%}
    case
        when abs({{ expression }}) < 10 then round({{ expression }}, 0)
        else round({{ expression }} / power(
            10, floor(ln(abs({{ expression }})) / ln(10) + 1e-9)
        ), 0) * power(10, floor(ln(abs({{ expression }})) / ln(10) + 1e-9))
    end
{%- endmacro %}
