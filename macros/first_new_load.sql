{#- The first load of a stream of which `known` has no row, as a number to compare with;
    one that no load has where there is none. It is asked for while dbt runs and put in
    as a constant: a join with the loads that are new doesn't keep the engine from
    reading, and casting, every row of the others first. The manifest says where to look;
    a load of which staging shows no row is not one. -#}
{% macro first_new_load(relation, known, loads, source_name, stream_name) -%}
    {%- if not execute -%}
        {%- do return(0) -%}
    {%- endif -%}
    {%- set no_load = 9223372036854775807 -%}
    {%- set is_new = 'load_id not in (select load_id from ' ~ known
        ~ ' group by load_id)' -%}
    {%- set landed = run_query(
        'select min(load_id) from ' ~ loads ~ " where source_name = '" ~ source_name
        ~ "' and stream_name = '" ~ stream_name ~ "' and load_status = 'loaded'"
        ~ ' and n_records > n_rejected and ' ~ is_new
    ).columns[0].values()[0] -%}
    {%- if landed is none -%}
        {%- do return(no_load) -%}
    {%- endif -%}
    {%- set first = run_query(
        'select min(load_id) from ' ~ relation ~ ' where load_id >= ' ~ landed
        ~ ' and ' ~ is_new
    ).columns[0].values()[0] -%}
    {%- do return(no_load if first is none else first | int) -%}
{%- endmacro %}
