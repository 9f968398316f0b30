{#- An id as identity compares it: without surrounding blanks, in Unicode's composed
    form, its case kept; empty text is a missing id. -#}
{% macro clean_id(expression) -%}
    {{ clean_text(normalize_unicode(expression)) }}
{%- endmacro %}
