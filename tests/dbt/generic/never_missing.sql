{#- Rows in which one of the columns is missing: what not-null constraints are to a
    table, for a view, in one pass. -#}
{% test never_missing(model, columns) -%}
    {%- if columns is string or not columns -%}
        {{ exceptions.raise_compiler_error(
            "never_missing: columns is '" ~ columns ~ "'; expected a list"
        ) }}
    {%- endif -%}
    select {{ columns | join(', ') }}
    from {{ model }}
    where
        {%- for column in columns %}
        {{ 'or ' if not loop.first }}{{ column }} is null
        {%- endfor %}
{%- endtest %}
