{#- The id of a snapshot's row, in place of dbt's own macro: its key and time as they are.
    Their hash would say no more, and is most of what a first snapshot costs. -#}
{% macro default__snapshot_hash_arguments(args) -%}
    {%- set parts = [] -%}
    {%- for arg in args -%}
        {%- do parts.append("cast(" ~ arg ~ " as " ~ dbt.type_string() ~ ")") -%}
    {%- endfor -%}
    {{ parts | join(" || '|' || ") }}
{%- endmacro %}
