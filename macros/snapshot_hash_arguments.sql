{#- The id of a snapshot's row, in place of dbt's own macro: a key of its key and time that
    is cheap to make, since dbt only ever reads it from the row. In hexadecimal it would be
    most of what a first snapshot costs. -#}
{% macro default__snapshot_hash_arguments(args) -%}
    {{ row_key(args) }}
{%- endmacro %}
