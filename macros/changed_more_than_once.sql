{#- Whether a relation whose rows know their last change has changed more than once since
    another was built of it, or was numbered anew, as a condition. Asked for while dbt
    runs: where it is false, the engine doesn't even read what it stands beside. -#}
{% macro changed_more_than_once(relation, number, known, known_number) -%}
    {%- if not execute -%}
        {%- do return('false') -%}
    {%- endif -%}
    {%- set n_changes = run_query(
        'select coalesce((select max(' ~ number ~ ') from ' ~ relation ~ '), 0)'
        ~ ' - coalesce((select max(' ~ known_number ~ ') from ' ~ known ~ '), 0)'
    ).columns[0].values()[0] -%}
    {%- do return('false' if 0 <= n_changes <= 1 else 'true') -%}
{%- endmacro %}
