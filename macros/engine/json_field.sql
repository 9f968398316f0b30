{#- The text at one of the paths of `json_fields`, missing where there is none. -#}
{% macro json_field(fields, paths, path) -%}
    {%- if path not in paths -%}
        {{ exceptions.raise_compiler_error(
            "json_field: path '" ~ path ~ "' is none of " ~ paths | join(', ')
        ) }}
    {%- endif -%}
    {{ return(adapter.dispatch('json_field', 'segmentary')(fields, paths, path)) }}
{%- endmacro %}

{% macro default__json_field(fields, paths, path) -%}
    {{ json_text(fields, path) }}
{%- endmacro %}

{% macro duckdb__json_field(fields, paths, path) -%}
    {{ fields }}[{{ paths.index(path) + 1 }}]
{%- endmacro %}
