{#- Brings components and the edges kept beside them up to date with edges that came or
    went (`left_node`, `right_node`, `is_gone`). A component that lost an edge is taken
    apart and resolved from its edges; any other one is a single node of the graph to be
    resolved, so that new edges cost what they join. Only rows that change are written. -#}
{% macro follow_changed_edges(components, kept_edges, changed_edges, max_rounds) -%}
    {%- set n_gone = count_rows(changed_edges ~ ' where is_gone') -%}
    {%- if n_gone > 0 -%}
        {%- do run_query("
            delete from " ~ kept_edges ~ " as kept_edges
            where exists (
                select 1 from " ~ changed_edges ~ " as changed_edges
                where
                    changed_edges.is_gone
                    and changed_edges.left_node = kept_edges.left_node
                    and changed_edges.right_node = kept_edges.right_node
            )
        ") -%}
    {%- endif -%}
    {%- do run_query("
        insert into " ~ kept_edges ~ " (left_node, right_node)
        select left_node, right_node from " ~ changed_edges ~ " where not is_gone
    ") -%}
    {#- Nodes that stand for themselves: those of components that lost an edge. -#}
    {%- do create_scratch_table('component_loose_nodes', "
        select members.node
        from " ~ components ~ " as members
        inner join (
            select distinct components.component_id
            from " ~ components ~ " as components
            inner join " ~ changed_edges ~ " as changed_edges
                on
                    changed_edges.is_gone
                    and components.node = changed_edges.left_node
        ) as broken
            on members.component_id = broken.component_id
    ") -%}
    {#- The others that changed edges touch stand for their component, or are new. -#}
    {%- do create_scratch_table('component_stand_ins', "
        select
            ends.node,
            case
                when loose_nodes.node is not null then ends.node
                else coalesce(components.component_id, ends.node)
            end as stand_in,
            components.node is null as is_new
        from (
            select left_node as node from " ~ changed_edges ~ " where not is_gone
            union distinct
            select right_node as node from " ~ changed_edges ~ " where not is_gone
        ) as ends
        left join " ~ components ~ " as components
            on ends.node = components.node
        left join component_loose_nodes as loose_nodes
            on ends.node = loose_nodes.node
    ") -%}
    {%- do create_scratch_table('component_changed_graph', "
        select
            least(left_ends.stand_in, right_ends.stand_in) as left_node,
            greatest(left_ends.stand_in, right_ends.stand_in) as right_node
        from " ~ changed_edges ~ " as changed_edges
        inner join component_stand_ins as left_ends
            on changed_edges.left_node = left_ends.node
        inner join component_stand_ins as right_ends
            on changed_edges.right_node = right_ends.node
        where not changed_edges.is_gone
    ") -%}
    {%- if n_gone > 0 -%}
        {#- An edge of theirs that leads to another component is new, and there already. -#}
        {%- do run_query("
            insert into component_changed_graph (left_node, right_node)
            select edges.left_node, edges.right_node
            from " ~ kept_edges ~ " as edges
            inner join component_loose_nodes as left_ends
                on edges.left_node = left_ends.node
            inner join component_loose_nodes as right_ends
                on edges.right_node = right_ends.node
        ") -%}
    {%- endif -%}
    {%- set labels = label_components('component_changed_graph', max_rounds) -%}
    {#- Members of components that joined another one. A stand-in without a row of its
        own is a new node. -#}
    {%- do create_scratch_table('component_changed_rows', "
        select
            components.node,
            labels.component_id
        from " ~ components ~ " as components
        inner join " ~ labels ~ " as labels
            on components.component_id = labels.node
        left join component_loose_nodes as loose_nodes
            on components.node = loose_nodes.node
        where
            loose_nodes.node is null
            and components.component_id <> labels.component_id
        union all
        select
            labels.node,
            labels.component_id
        from " ~ labels ~ " as labels
        inner join component_loose_nodes as loose_nodes
            on labels.node = loose_nodes.node
        union all
        select
            labels.node,
            labels.component_id
        from " ~ labels ~ " as labels
        inner join component_stand_ins as stand_ins
            on labels.node = stand_ins.node
        where stand_ins.is_new
    ") -%}
    {%- do run_query("
        delete from " ~ components ~ "
        where node in (
            select node from component_loose_nodes
            union all
            select node from component_changed_rows
        )
    ") -%}
    {%- do run_query("
        insert into " ~ components ~ " (node, component_id)
        select node, component_id from component_changed_rows
    ") -%}
    {%- for name in ['loose_nodes', 'stand_ins', 'changed_graph', 'changed_rows'] -%}
        {%- do run_query('drop table component_' ~ name) -%}
    {%- endfor -%}
{%- endmacro %}
