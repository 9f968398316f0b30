{#- One source's entry of a var that maps sources to settings. A source that the var
    leaves out has the default; without one it is an error. -#}
{% macro source_setting(var_name, source_name, default=none) -%}
    {%- set settings = var(var_name) -%}
    {%- if source_name not in settings and default is none -%}
        {{ exceptions.raise_compiler_error(
            "var '" ~ var_name ~ "' has no entry for source '" ~ source_name
            ~ "'; it has: " ~ settings.keys() | join(', ')
        ) }}
    {%- endif -%}
    {{ return(settings.get(source_name, default)) }}
{%- endmacro %}
