{#- The compact key of an identifier, from the same text as `identifier_key`. Of every
    event it is computed; SHA-256 only of every identifier. The type is one of
    `identifier_key`'s, or an expression that holds them. -#}
{% macro compact_identifier_key(identifier_type, expression) -%}
    {%- set type_text = identifier_type if '_type' in identifier_type
        else "'" ~ identifier_type ~ "'" -%}
    {{ compact_key(
        salt() ~ " || " ~ type_text ~ " || ':' || " ~ expression
    ) }}
{%- endmacro %}
