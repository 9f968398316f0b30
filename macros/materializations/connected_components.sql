{#- Materializes the connected components of a graph. The model's SQL yields edges, one
    row per pair, in the two columns named by the config `edge_columns`; a node without
    neighbours is an edge to itself. The table has `node`, `component_id` (the smallest
    node of its component) and one row per node: a pure function of the edges, whatever
    the order they came in. An incremental run follows the edges that came or went since
    those that it kept (`<name>__edges`). It finds them by comparing all edges; or, with
    the config `gone_column`, the model yields in an incremental run only edges that came
    or went, and that column says which went. -#}
{% materialization connected_components, default %}
    {%- set edge_columns = config.require('edge_columns') -%}
    {%- if edge_columns | length != 2 -%}
        {{ exceptions.raise_compiler_error(
            "connected_components: edge_columns is " ~ edge_columns
            ~ "; expected the names of two columns"
        ) }}
    {%- endif -%}
    {%- set gone_column = config.get('gone_column') -%}
    {%- set max_rounds = config.get('max_rounds', 60) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set edges_relation = api.Relation.create(
        database=this.database, schema=this.schema,
        identifier=this.identifier ~ '__edges', type='table'
    ) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set kept_edges = adapter.get_relation(
        database=this.database, schema=this.schema, identifier=edges_relation.identifier
    ) -%}
    {%- set is_whole = kept_edges is none or not is_incremental() -%}
    {%- if is_whole and is_incremental() and gone_column is not none -%}
        {{ exceptions.raise_compiler_error(
            "connected_components: " ~ edges_relation ~ " is gone, which changed edges "
            ~ "are added to; run it with --full-refresh"
        ) }}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if is_whole -%}
        {%- do create_scratch_table(
            'component_new_edges', edges_in_order(sql, edge_columns)
        ) -%}
        {%- set labels = label_components('component_new_edges', max_rounds) -%}

        {#- Readers see the old table until the rename. -#}
        {%- set components_next = make_intermediate_relation(target_relation) -%}
        {%- set edges_next = make_intermediate_relation(edges_relation) -%}
        {%- do drop_relation_if_exists(
            load_cached_relation(components_next) or components_next
        ) -%}
        {%- do drop_relation_if_exists(edges_next) -%}
        {% call statement('main') -%}
            create table {{ components_next }} as
            select
                node,
                component_id
            from {{ labels }}
        {%- endcall %}
        {%- do run_query(
            'create table ' ~ edges_next ~ ' as select * from component_new_edges'
        ) -%}
        {%- if existing is not none -%}
            {%- do adapter.drop_relation(existing) -%}
        {%- endif -%}
        {%- do adapter.rename_relation(components_next, target_relation) -%}
        {%- if kept_edges is not none -%}
            {%- do adapter.drop_relation(kept_edges) -%}
        {%- endif -%}
        {%- do adapter.rename_relation(edges_next, edges_relation) -%}
        {%- do run_query('drop table component_new_edges') -%}
        {%- do run_query('drop table component_labels') -%}
    {%- else -%}
        {%- if gone_column is none -%}
            {%- do create_scratch_table(
                'component_new_edges', edges_in_order(sql, edge_columns)
            ) -%}
            {%- set changed_edges = compare_edges(
                'component_new_edges', edges_relation
            ) -%}
            {%- do run_query('drop table component_new_edges') -%}
        {%- else -%}
            {%- set changed_edges = 'component_changed_edges' -%}
            {%- do create_scratch_table(
                changed_edges, edges_in_order(sql, edge_columns, gone_column)
            ) -%}
        {%- endif -%}
        {%- if count_rows(changed_edges) > 0 -%}
            {%- do follow_changed_edges(
                target_relation, edges_relation, changed_edges, max_rounds
            ) -%}
        {%- endif -%}
        {% call statement('main') -%}
            drop table {{ changed_edges }}
        {%- endcall %}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target_relation, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
