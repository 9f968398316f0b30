{#- The digits of a text, in their order. -#}
{% macro digits_of(expression) -%}
    {{ return(adapter.dispatch('digits_of', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__digits_of(expression) -%}
    regexp_replace({{ expression }}, '[^0-9]', '', 'g')
{%- endmacro %}
