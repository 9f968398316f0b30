{#- Whether the as-of date lies after everything a snapshot holds, as a condition. The
    same date again leaves the snapshot alone (dbt would write rows of no duration); an
    earlier date is an error, since it would end rows before they began. -#}
{% macro is_after_history(snapshot_name) -%}
    {%- set newest = none -%}
    {%- if execute -%}
        {%- set history = adapter.get_relation(
            database=target.database, schema='snapshots', identifier=snapshot_name
        ) -%}
        {%- if history is not none -%}
            {%- set rows = run_query(
                'select max(cast(dbt_valid_from as date)) as newest_date, '
                ~ as_of_date() ~ ' as as_of_date from ' ~ history
            ).rows -%}
            {%- set newest = rows[0][0] -%}
            {%- set as_of = rows[0][1] -%}
        {%- endif -%}
    {%- endif -%}
    {%- if newest is none -%}
        true
    {%- elif as_of > newest -%}
        true
    {%- elif as_of == newest -%}
        false
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "as_of_date " ~ as_of ~ " is before " ~ newest ~ ", the newest date in "
            ~ snapshot_name ~ ". History is written forwards only: run a later date, "
            ~ "or leave the snapshot out with --exclude " ~ snapshot_name ~ "+"
        ) }}
    {%- endif -%}
{%- endmacro %}
