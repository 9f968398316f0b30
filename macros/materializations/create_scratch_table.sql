{#- Creates a temporary table of the connection, in the place of one of that name. -#}
{% macro create_scratch_table(name, select_sql) -%}
    {%- do run_query('drop table if exists ' ~ name) -%}
    {%- do run_query('create temporary table ' ~ name ~ ' as ' ~ select_sql) -%}
{%- endmacro %}
