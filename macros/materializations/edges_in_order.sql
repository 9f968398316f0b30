{#- Each edge once, its smaller node first, so that two sets of edges can be compared.
    An edge without one of its nodes is none. -#}
{% macro edges_in_order(edges_sql, edge_columns, flag_column=none) -%}
    {%- set left, right = edge_columns[0], edge_columns[1] -%}
    select distinct
        least({{ left }}, {{ right }}) as left_node,
        greatest({{ left }}, {{ right }}) as right_node
        {%- if flag_column is not none %},
        {{ flag_column }} as is_gone
        {%- endif %}
    from ({{ edges_sql }}) as edges
    where {{ left }} is not null and {{ right }} is not null
{%- endmacro %}
