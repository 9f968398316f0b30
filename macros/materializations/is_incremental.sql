{#- Whether a model is built onto what an earlier run left: dbt's own answer, and the same
    for models that `connected_components` materializes. -#}
{% macro is_incremental() -%}
    {%- if model.config.materialized != 'connected_components' or not execute -%}
        {{ return(dbt.is_incremental()) }}
    {%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ return(
        existing is not none and existing.type == 'table' and not should_full_refresh()
    ) }}
{%- endmacro %}
