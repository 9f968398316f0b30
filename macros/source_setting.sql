{#- One source's entry of a var that maps sources to settings. -#}
{% macro source_setting(var_name, source_name) -%}
    {%- set settings = var(var_name) -%}
    {%- if source_name not in settings -%}
        {{ exceptions.raise_compiler_error(
            "var '" ~ var_name ~ "' has no entry for source '" ~ source_name
            ~ "'; it has: " ~ settings.keys() | join(', ')
        ) }}
    {%- endif -%}
    {{ return(settings[source_name]) }}
{%- endmacro %}
