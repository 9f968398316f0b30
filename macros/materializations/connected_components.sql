{#- Materializes the connected components of a graph. The model's SQL yields edges, one
    row per pair, in the two columns named by the config `edge_columns`; a node without
    neighbours is an edge to itself. The table has `node`, `component_id` (the smallest
    node of its component) and one row per node: a pure function of the edges, whatever
    the order they came in. An incremental run compares the edges with those it kept
    (`<name>__edges`) and resolves touched components only. -#}
{% materialization connected_components, default %}
    {%- set edge_columns = config.require('edge_columns') -%}
    {%- if edge_columns | length != 2 -%}
        {{ exceptions.raise_compiler_error(
            "connected_components: edge_columns is " ~ edge_columns
            ~ "; expected the names of two columns"
        ) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set edges_relation = api.Relation.create(
        database=this.database, schema=this.schema,
        identifier=this.identifier ~ '__edges', type='table'
    ) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set kept_edges = adapter.get_relation(
        database=this.database, schema=this.schema, identifier=edges_relation.identifier
    ) -%}
    {%- set is_whole = existing is none or kept_edges is none
        or existing.type != 'table' or should_full_refresh() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set new_edges = 'component_new_edges' -%}
    {%- do create_scratch_table(new_edges, edges_in_order(sql, edge_columns)) -%}
    {%- if is_whole -%}
        {%- set edges = new_edges -%}
    {%- else -%}
        {%- set edges = edges_of_touched_components(
            target_relation, edges_relation, new_edges
        ) -%}
    {%- endif -%}
    {%- set labels = label_components(edges, config.get('max_rounds', 60)) -%}

    {#- Readers see the old table until the rename. -#}
    {%- set components_next = make_intermediate_relation(target_relation) -%}
    {%- set edges_next = make_intermediate_relation(edges_relation) -%}
    {%- do drop_relation_if_exists(
        load_cached_relation(components_next) or components_next
    ) -%}
    {%- do drop_relation_if_exists(edges_next) -%}
    {% call statement('main') -%}
        create table {{ components_next }} as
        {% if not is_whole -%}
        select
            kept.node,
            kept.component_id
        from {{ target_relation }} as kept
        left join component_touched_nodes as touched
            on kept.node = touched.node
        where touched.node is null
        union all
        {% endif -%}
        select
            node,
            component_id
        from {{ labels }}
    {%- endcall %}
    {%- do run_query(
        'create table ' ~ edges_next ~ ' as select * from ' ~ new_edges
    ) -%}
    {%- if existing is not none -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- do adapter.rename_relation(components_next, target_relation) -%}
    {%- if kept_edges is not none -%}
        {%- do adapter.drop_relation(kept_edges) -%}
    {%- endif -%}
    {%- do adapter.rename_relation(edges_next, edges_relation) -%}
    {%- do drop_component_scratch() -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target_relation, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
