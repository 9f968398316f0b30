{#- The path of a URL, without host, query and fragment; missing where there is none. -#}
{% macro url_path(expression) -%}
    {%- set page = dbt.split_part(
        dbt.split_part(expression, "'?'", 1), "'#'", 1
    ) -%}
    {%- set after_scheme = dbt.split_part(page, "'://'", 2) -%}
    {{ clean_text(
        'substring(' ~ after_scheme ~ ', length('
        ~ dbt.split_part(after_scheme, "'/'", 1) ~ ') + 1)'
    ) }}
{%- endmacro %}
