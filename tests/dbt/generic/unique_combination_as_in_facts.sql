{#- Groups of rows (`groups`: a date, or a date and a set) that don't have the customers of
    `customer_facts_by_date` at their date, each once: a key of date, customer and what
    else is in `groups`, proven without meeting all rows. Every date has every set, and
    but for `only_dates_found` all dates are there. -#}
{% test unique_combination_as_in_facts(model, groups, only_dates_found=false) -%}
    {%- if groups is string or not groups or groups[0] != 'as_of_date' -%}
        {{ exceptions.raise_compiler_error(
            "unique_combination_as_in_facts: groups is '" ~ groups
            ~ "'; expected a list that begins with as_of_date"
        ) }}
    {%- endif %}
    with

    found as (
        select
            {{ groups | join(', ') }},
            count(*) as n_rows,
            {{ checksum('customer_id') }} as customers
        from {{ model }}
        group by {{ groups | join(', ') }}
    ),

    known as (
        select
            as_of_date,
            count(*) as n_rows,
            {{ checksum('customer_id') }} as customers
        from {{ ref('customer_facts_by_date') }}
        where {{ changed_rows('as_of_date') }}
        group by as_of_date
    ),

    expected as (
        select
            known.as_of_date,
            known.n_rows,
            known.customers
            {%- for column in groups[1:] %},
            sets.{{ column }}
            {%- endfor %}
        from known
        {%- if groups | length > 1 %}
        {#- A date stays where nothing at all was found. #}
        left join (select distinct {{ groups[1:] | join(', ') }} from found) as sets
            on 1 = 1
        {%- endif %}
        {%- if only_dates_found %}
        where known.as_of_date in (select found.as_of_date from found)
        {%- endif %}
    )

    select
        {%- for column in groups %}
        coalesce(expected.{{ column }}, found.{{ column }}) as {{ column }},
        {%- endfor %}
        expected.n_rows as n_expected,
        found.n_rows as n_found
    from expected
    full outer join found
        on
            {%- for column in groups %}
            {{ 'and ' if not loop.first }}expected.{{ column }} = found.{{ column }}
            {%- endfor %}
    where
        expected.n_rows is null
        or found.n_rows is null
        or expected.n_rows <> found.n_rows
        or expected.customers <> found.customers
{%- endtest %}
