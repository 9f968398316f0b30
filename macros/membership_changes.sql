{#- Memberships whose segment is another than the one that history knows, as a relation;
    `memberships` and `history` are names of relations of customers, sets and segments,
    or subqueries, and `history` is none where there is none yet. Nearly all memberships
    are in no segment, then and now. So the others are compared one by one, and of those
    only customers are looked at whom history doesn't know, and sets of which it doesn't
    know every customer. -#}
{% macro membership_changes(memberships, history) -%}
    {%- if history is none -%}
    select
        customer_id,
        segment_set,
        segment,
        cast(null as {{ dbt.type_string() }}) as known_segment
    from {{ memberships }}
    {%- else -%}
    with

    compared as (
        select
            coalesce(latest.customer_id, known.customer_id) as customer_id,
            coalesce(latest.segment_set, known.segment_set) as segment_set,
            coalesce(latest.segment, 'none') as segment
        from (select * from {{ memberships }} where segment <> 'none') as latest
        full outer join (select * from {{ history }} where segment <> 'none') as known
            on
                latest.customer_id = known.customer_id
                and latest.segment_set = known.segment_set
        where coalesce(latest.segment, '') <> coalesce(known.segment, '')
    ),

    -- Everybody has a stage of the lifecycle, and be it `none`.
    new_customers as (
        select customer_id from {{ memberships }}
        where
            segment_set = 'lifecycle'
            and customer_id not in (
                select known.customer_id from {{ history }} as known
                where known.segment_set = 'lifecycle'
            )
    ),

    known_sets as (
        select
            segment_set,
            count(*) as n_customers
        from {{ history }}
        group by segment_set
    ),

    complete_sets as (
        select segment_set from known_sets
        where n_customers = (
            select lifecycle.n_customers from known_sets as lifecycle
            where lifecycle.segment_set = 'lifecycle'
        )
    ),

    outside as (
        select
            latest.customer_id,
            latest.segment_set,
            latest.segment
        from {{ memberships }} as latest
        left join (
            select * from {{ history }}
            where
                segment_set not in (select complete_sets.segment_set from complete_sets)
        ) as known
            on
                latest.customer_id = known.customer_id
                and latest.segment_set = known.segment_set
        where
            latest.segment = 'none'
            and (
                latest.customer_id in (
                    select new_customers.customer_id from new_customers
                )
                or latest.segment_set not in (
                    select complete_sets.segment_set from complete_sets
                )
            )
            and known.customer_id is null
    ),

    changes as (
        select * from compared
        union all
        select * from outside
    )

    select
        changes.customer_id,
        changes.segment_set,
        changes.segment,
        known.segment as known_segment
    from changes
    left join {{ history }} as known
        on
            changes.customer_id = known.customer_id
            and changes.segment_set = known.segment_set
    {%- endif -%}
{%- endmacro %}
