{#- Rows that break a key of several columns: combinations that occur more than once,
    and combinations with a missing value. `optional_columns` may be missing. -#}
{% test unique_combination(model, columns, optional_columns=[]) -%}
    {%- if columns is string or columns | length < 2 -%}
        {{ exceptions.raise_compiler_error(
            "unique_combination: columns is '" ~ columns ~ "'; expected a list of two "
            ~ "or more, since one column has the tests unique and not_null"
        ) }}
    {%- endif -%}
    {%- set key = (columns + optional_columns) | join(', ') %}
    select
        {{ key }},
        count(*) as n_rows
    from {{ model }}
    group by {{ key }}
    having
        count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{%- endtest %}
