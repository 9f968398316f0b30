{#- Whether a relation whose rows know their last change has changed at most once since
    another was built of it; false where its changes were numbered anew. Asked for while
    dbt runs, so that what it takes otherwise is no part of the query. -#}
{% macro changed_once_at_most(relation, number, known, known_number) -%}
    {%- if not execute -%}
        {%- do return(true) -%}
    {%- endif -%}
    {%- set n_changes = run_query(
        'select coalesce((select max(' ~ number ~ ') from ' ~ relation ~ '), 0)'
        ~ ' - coalesce((select max(' ~ known_number ~ ') from ' ~ known ~ '), 0)'
    ).columns[0].values()[0] -%}
    {%- do return(0 <= n_changes <= 1) -%}
{%- endmacro %}
