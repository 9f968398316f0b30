{#- Rows that break a key of several columns: combinations that occur more than once,
    and combinations with a missing value. -#}
{% test unique_combination(model, columns) -%}
    {%- if columns is string or columns | length < 2 -%}
        {{ exceptions.raise_compiler_error(
            "unique_combination: columns is '" ~ columns ~ "'; expected a list of two "
            ~ "or more, since one column has the tests unique and not_null"
        ) }}
    {%- endif -%}
    select
        {{ columns | join(', ') }},
        count(*) as n_rows
    from {{ model }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{%- endtest %}
