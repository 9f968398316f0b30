{#- Drops the temporary tables of `connected_components`. -#}
{% macro drop_component_scratch() -%}
    {%- for name in [
        'new_edges', 'touched_nodes', 'touched_edges', 'nodes', 'edges', 'parents',
        'labels', 'next',
    ] -%}
        {%- do run_query('drop table if exists component_' ~ name) -%}
    {%- endfor -%}
{%- endmacro %}
