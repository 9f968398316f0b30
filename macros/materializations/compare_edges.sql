{#- The edges that came and those that went since edges were kept, as the name of a table
    (`left_node`, `right_node`, `is_gone`). Most often none went: that their numbers agree
    shows it, and spares the look for them. -#}
{% macro compare_edges(new_edges, kept_edges) -%}
    {%- do create_scratch_table('component_changed_edges', "
        select
            new_edges.left_node,
            new_edges.right_node,
            false as is_gone
        from " ~ new_edges ~ " as new_edges
        left join " ~ kept_edges ~ " as kept_edges
            on
                new_edges.left_node = kept_edges.left_node
                and new_edges.right_node = kept_edges.right_node
        where kept_edges.left_node is null
    ") -%}
    {%- set n_gone = count_rows(kept_edges) + count_rows('component_changed_edges')
        - count_rows(new_edges) -%}
    {%- if n_gone > 0 -%}
        {%- do run_query("
            insert into component_changed_edges (left_node, right_node, is_gone)
            select
                kept_edges.left_node,
                kept_edges.right_node,
                true as is_gone
            from " ~ kept_edges ~ " as kept_edges
            left join " ~ new_edges ~ " as new_edges
                on
                    kept_edges.left_node = new_edges.left_node
                    and kept_edges.right_node = new_edges.right_node
            where new_edges.left_node is null
        ") -%}
    {%- endif -%}
    {{ return('component_changed_edges') }}
{%- endmacro %}
