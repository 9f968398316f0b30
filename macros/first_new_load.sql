{#- The first load of `relation` of which `known` has no row, as a number to compare
    with; one that no load has where there is none. It is asked for while dbt runs and
    put in as a constant: a join with the loads that are new doesn't keep the engine from
    reading, and casting, every row of the others first. -#}
{% macro first_new_load(relation, known) -%}
    {%- if not execute -%}
        {%- do return(0) -%}
    {%- endif -%}
    {%- set answer = run_query(
        'select min(landed.load_id) from (select load_id from ' ~ relation
        ~ ' group by load_id) as landed where landed.load_id not in '
        ~ '(select load_id from ' ~ known ~ ' group by load_id)'
    ) -%}
    {%- set first = answer.columns[0].values()[0] -%}
    {%- do return(9223372036854775807 if first is none else first | int) -%}
{%- endmacro %}
