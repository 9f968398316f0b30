{#- Whether a source is switched on (var `sources`), as a condition. A source that is
    off stays in the graph and yields no rows, so the lineage is the same everywhere. -#}
{% macro source_is_on(source_name) -%}
    {{ 'true' if source_name in var('sources') else 'false' }}
{%- endmacro %}
