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
        segment
    from {{ memberships }}
    {%- else -%}
    with

    compared as {{ materialized() }} (
        select
            coalesce(latest.customer_id, known.customer_id) as customer_id,
            coalesce(latest.segment_set, known.segment_set) as segment_set,
            coalesce(latest.segment, 'none') as segment,
            known.segment as known_segment
        from (select * from {{ memberships }} where segment <> 'none') as latest
        full outer join (select * from {{ history }} where segment <> 'none') as known
            on
                latest.customer_id = known.customer_id
                and latest.segment_set = known.segment_set
        where coalesce(latest.segment, '') <> coalesce(known.segment, '')
    ),

    -- Everybody has a stage of the lifecycle. In history it may be `none`, of whoever
    -- was gone for a while.
    appeared as (
        select customer_id from compared
        where segment_set = 'lifecycle' and known_segment is null
    ),

    reappeared as (
        select known.customer_id from {{ history }} as known
        where
            known.segment_set = 'lifecycle'
            and known.customer_id in ({{ few_values('appeared', 'customer_id') }})
    ),

    new_customers as (
        select customer_id from appeared
        where customer_id not in (select reappeared.customer_id from reappeared)
    ),

    known_sets as (
        select
            segment_set,
            count(*) as n_customers
        from {{ history }}
        group by segment_set
    ),

    assigned_sets as (
        {{ segment_sets(['rfm', 'lifecycle', 'cluster'] + rule_segments()) }}
    ),

    sets as (
        select
            assigned_sets.segment_set,
            coalesce(known_sets.n_customers, 0) = coalesce((
                select lifecycle.n_customers from known_sets as lifecycle
                where lifecycle.segment_set = 'lifecycle'
            ), 0) as is_complete
        from assigned_sets
        left join known_sets
            on assigned_sets.segment_set = known_sets.segment_set
    ),

    incomplete_sets as (
        select segment_set from sets
        where not is_complete
    ),

    outside as (
        select
            new_customers.customer_id,
            sets.segment_set,
            'none' as segment
        from new_customers
        cross join sets
        left join compared
            on
                new_customers.customer_id = compared.customer_id
                and sets.segment_set = compared.segment_set
        where sets.is_complete and compared.customer_id is null
        union all
        select
            latest.customer_id,
            latest.segment_set,
            latest.segment
        from (
            select * from {{ memberships }}
            where
                segment = 'none'
                and segment_set in (
                    select incomplete_sets.segment_set from incomplete_sets
                )
        ) as latest
        left join (
            select * from {{ history }}
            where
                segment_set in (
                    select incomplete_sets.segment_set from incomplete_sets
                )
        ) as known
            on
                latest.customer_id = known.customer_id
                and latest.segment_set = known.segment_set
        where known.customer_id is null
    )

    select
        customer_id,
        segment_set,
        segment
    from compared
    union all
    select * from outside
    {%- endif -%}
{%- endmacro %}
