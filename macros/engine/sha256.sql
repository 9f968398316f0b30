{#- SHA-256 of a text in hexadecimal; `dbt.hash` is MD5. -#}
{% macro sha256(expression) -%}
    {{ return(adapter.dispatch('sha256', 'segmentary')(expression)) }}
{%- endmacro %}

{% macro default__sha256(expression) -%}
    sha256({{ expression }})
{%- endmacro %}
