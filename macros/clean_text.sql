{#- Text without surrounding blanks; empty text is a missing value. -#}
{% macro clean_text(expression) -%}
    nullif({{ trim_blanks(expression) }}, '')
{%- endmacro %}
