{#- Groups of rows (`groups`: a date, or a date and a set) that don't have the customers of
    `customer_facts_by_date` at their date, each once: a key of date, customer and what
    else is in `groups`, proven without meeting all rows. -#}
{% test unique_combination_as_in_facts(model, groups) -%}
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
    )

    select
        found.*,
        known.n_rows as n_known
    from found
    left join known
        on found.as_of_date = known.as_of_date
    where
        known.n_rows is null
        or found.n_rows <> known.n_rows
        or found.customers <> known.customers
{%- endtest %}
