{#- Drops the temporary tables of `label_components` but its labels. -#}
{% macro drop_component_scratch(n_rounds) -%}
    {%- set names = ['component_nodes', 'component_longer_hooks', 'component_edges_0'] -%}
    {%- for round in range(n_rounds) -%}
        {%- do names.append('component_hooks_' ~ round) -%}
        {%- do names.append('component_edges_' ~ (round + 1)) -%}
    {%- endfor -%}
    {%- for name in names -%}
        {%- do run_query('drop table if exists ' ~ name) -%}
    {%- endfor -%}
{%- endmacro %}
