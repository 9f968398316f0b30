{#- The id of a snapshot's row, in place of dbt's own macro: a compact key of its key and
    time. In hexadecimal it would be most of what a first snapshot costs. -#}
{% macro default__snapshot_hash_arguments(args) -%}
    {%- set parts = [] -%}
    {%- for arg in args -%}
        {%- do parts.append("cast(" ~ arg ~ " as " ~ dbt.type_string() ~ ")") -%}
    {%- endfor -%}
    {{ compact_key(parts | join(" || '|' || ")) }}
{%- endmacro %}
