{#- Schemas are room names (`staging`, `marts`, ...) with no target prefix, so that a
    query reads the same in every environment. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
