{#- Text without surrounding blanks; empty text is a missing value. -#}
{% macro clean_text(expression) -%}
    nullif(trim({{ expression }}), '')
{%- endmacro %}
