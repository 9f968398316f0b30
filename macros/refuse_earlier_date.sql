{#- Stops a run whose as-of date lies before what a selected snapshot holds, and does so
    before the first model is built: the snapshot itself would only refuse after the
    marts before it were rebuilt at the wrong date. -#}
{% macro refuse_earlier_date() -%}
    {%- if execute -%}
        {%- for node_id in selected_resources if node_id.startswith('snapshot.') -%}
            {%- do is_after_history(graph.nodes[node_id].name) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
