{#- Rows that break a key of two columns, the second of which makes few groups. One group
    (`first_group`) is looked at row by row, and a group of the same checksum has the same
    values, each once, too. Only the others are looked at as the first was. -#}
{% test unique_combination_in_groups(model, columns, first_group) -%}
    {%- if columns is string or columns | length != 2 -%}
        {{ exceptions.raise_compiler_error(
            "unique_combination_in_groups: columns is '" ~ columns ~ "'; expected a list "
            ~ "of two, the second of which makes the groups"
        ) }}
    {%- endif -%}
    {%- set column, group_column = columns %}
    with

    found as (
        select
            {{ group_column }},
            count(*) as n_rows,
            {{ checksum(column) }} as members
        from {{ model }}
        group by {{ group_column }}
    ),

    first_of_all as (
        select * from found
        where {{ group_column }} = '{{ first_group }}'
    ),

    other_groups as (
        select found.{{ group_column }}
        from found
        left join first_of_all
            on
                found.n_rows = first_of_all.n_rows
                and found.members = first_of_all.members
        where first_of_all.{{ group_column }} is null
    ),

    looked_at as (
        select {{ column }}, {{ group_column }}
        from {{ model }}
        where {{ group_column }} = '{{ first_group }}'
        union all
        select {{ column }}, {{ group_column }}
        from {{ model }}
        where {{ group_column }} in (select other.{{ group_column }} from other_groups as other)
        union all
        select {{ column }}, {{ group_column }}
        from {{ model }}
        where {{ group_column }} is null
    )

    select
        {{ column }},
        {{ group_column }},
        count(*) as n_rows
    from looked_at
    group by {{ column }}, {{ group_column }}
    having
        count(*) > 1
        or {{ column }} is null
        or {{ group_column }} is null
{%- endtest %}
