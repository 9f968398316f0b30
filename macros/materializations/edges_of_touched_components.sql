{#- The edges that components have to be resolved from again: all those of components in
    which an edge came or went. Leaves the nodes concerned in `component_touched_nodes`
    and returns the name of the table of edges. -#}
{% macro edges_of_touched_components(components, kept_edges, new_edges) -%}
    {%- do create_scratch_table('component_touched_nodes', "
        with

        changed_edges as (
            (
                select left_node, right_node from " ~ new_edges ~ "
                except
                select left_node, right_node from " ~ kept_edges ~ "
            )
            union all
            (
                select left_node, right_node from " ~ kept_edges ~ "
                except
                select left_node, right_node from " ~ new_edges ~ "
            )
        ),

        changed_nodes as (
            select left_node as node from changed_edges
            union distinct
            select right_node as node from changed_edges
        ),

        touched_components as (
            select distinct components.component_id
            from " ~ components ~ " as components
            inner join changed_nodes
                on components.node = changed_nodes.node
        )

        select components.node
        from " ~ components ~ " as components
        inner join touched_components
            on components.component_id = touched_components.component_id
        union distinct
        select node from changed_nodes
    ") -%}
    {%- do create_scratch_table('component_touched_edges', "
        select edges.left_node, edges.right_node
        from " ~ new_edges ~ " as edges
        inner join component_touched_nodes as touched
            on edges.left_node = touched.node
    ") -%}
    {{ return('component_touched_edges') }}
{%- endmacro %}
