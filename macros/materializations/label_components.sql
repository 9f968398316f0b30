{#- Labels every node of a table of edges (`left_node` <= `right_node`) with the smallest
    node of its component, and returns the name of the table of labels. Hook and
    contract: in each round every node hooks onto its smallest neighbour that is smaller
    than itself, chains of hooks are shortened by half until each ends at its root, and
    edges are contracted to edges between roots; about 4 to 8 rounds. A node hooks once,
    so the rounds' hooks are followed at the end, from the last and smallest one back. On
    DuckDB 2.0 a recursive query took eight times as long. -#}
{% macro label_components(edges, max_rounds) -%}
    {#- Numbers in the order of the nodes: the smallest number is the smallest node. -#}
    {%- do create_scratch_table('component_nodes', "
        select
            node,
            row_number() over (order by node) as node_number
        from (
            select left_node as node from " ~ edges ~ "
            union distinct
            select right_node as node from " ~ edges ~ "
        ) as nodes
    ") -%}
    {%- do create_scratch_table('component_edges_0', "
        select
            left_nodes.node_number as a,
            right_nodes.node_number as b
        from " ~ edges ~ " as edges
        inner join component_nodes as left_nodes
            on edges.left_node = left_nodes.node
        inner join component_nodes as right_nodes
            on edges.right_node = right_nodes.node
        where edges.left_node <> edges.right_node
    ") -%}
    {%- set rounds = namespace(n=0, n_edges=count_rows('component_edges_0')) -%}
    {%- for round in range(max_rounds) if rounds.n_edges > 0 -%}
        {%- set hooks = 'component_hooks_' ~ round -%}
        {%- set longer = 'component_longer_hooks' -%}
        {%- do create_scratch_table(hooks, "
            select
                b as node_number,
                min(a) as root_number
            from component_edges_" ~ round ~ "
            group by b
        ") -%}
        {%- set chains = namespace(n_longer=1) -%}
        {%- for halving in range(64) if chains.n_longer > 0 -%}
            {%- set chains.n_longer = count_rows(
                hooks ~ " as hooks inner join " ~ hooks ~ " as further_hooks"
                ~ " on hooks.root_number = further_hooks.node_number"
            ) -%}
            {%- if chains.n_longer > 0 -%}
                {%- do run_query('drop table if exists ' ~ longer) -%}
                {%- do run_query('alter table ' ~ hooks ~ ' rename to ' ~ longer) -%}
                {%- do create_scratch_table(hooks, follow_hooks(longer, longer)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do create_scratch_table('component_edges_' ~ (round + 1), "
            select distinct
                least(a, b) as a,
                greatest(a, b) as b
            from (
                select
                    coalesce(left_hooks.root_number, edges.a) as a,
                    coalesce(right_hooks.root_number, edges.b) as b
                from component_edges_" ~ round ~ " as edges
                left join " ~ hooks ~ " as left_hooks
                    on edges.a = left_hooks.node_number
                left join " ~ hooks ~ " as right_hooks
                    on edges.b = right_hooks.node_number
            ) as contracted
            where a <> b
        ") -%}
        {%- set rounds.n = round + 1 -%}
        {%- set rounds.n_edges = count_rows('component_edges_' ~ (round + 1)) -%}
    {%- endfor -%}
    {%- if rounds.n_edges > 0 -%}
        {{ exceptions.raise_compiler_error(
            "connected_components: " ~ rounds.n_edges ~ " edges still join two "
            ~ "components after " ~ max_rounds ~ " rounds (config max_rounds)"
        ) }}
    {%- endif -%}
    {%- for later in range(rounds.n - 1, 0, -1) -%}
        {%- set hooks = 'component_hooks_' ~ (later - 1) -%}
        {%- do create_scratch_table('component_followed', follow_hooks(
            hooks, 'component_hooks_' ~ later
        )) -%}
        {%- do run_query(
            'insert into component_followed'
            ~ ' select node_number, root_number from component_hooks_' ~ later
        ) -%}
        {%- do run_query('drop table ' ~ hooks) -%}
        {%- do run_query('alter table component_followed rename to ' ~ hooks) -%}
    {%- endfor -%}
    {%- if rounds.n == 0 -%}
        {%- do create_scratch_table('component_labels', "
            select node, node as component_id from component_nodes
        ") -%}
    {%- else -%}
        {%- do create_scratch_table('component_labels', "
            select
                nodes.node,
                coalesce(roots.node, nodes.node) as component_id
            from component_nodes as nodes
            left join component_hooks_0 as hooks
                on nodes.node_number = hooks.node_number
            left join component_nodes as roots
                on hooks.root_number = roots.node_number
        ") -%}
    {%- endif -%}
    {%- do drop_component_scratch(rounds.n) -%}
    {{ return('component_labels') }}
{%- endmacro %}
