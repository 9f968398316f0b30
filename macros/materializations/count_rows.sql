{#- The number of rows of a relation, counted now. -#}
{% macro count_rows(relation) -%}
    {{ return(run_query('select count(*) from ' ~ relation).rows[0][0] | int) }}
{%- endmacro %}
