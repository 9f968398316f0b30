{{ config(meta={'dagster': {'ref': {'name': 'rule_segment_overlaps'}}}) }}

-- Guards that overlaps know the sizes that memberships have, and that shared customers
-- add up: of a customer in n rules, n (n - 1) / 2 pairs are counted. A customer who is
-- counted twice, or a pair that is left out, would not show in any one row.
with

rule_overlaps as (
    select * from {{ ref('rule_segment_overlaps') }}
),

primary_segments as (
    select * from {{ ref('customer_primary_segments') }}
),

memberships as (
    select * from {{ ref('segment_assignments') }}
    where as_of_date = {{ as_of_date() }} and segment = segment_set
),

sizes as (
    select
        segment,
        n_customers
    from rule_overlaps
    union distinct
    select
        other_segment as segment,
        n_other_customers as n_customers
    from rule_overlaps
),

members as (
    select
        segment,
        count(*) as n_members
    from memberships
    group by segment
),

pairs as (
    select
        coalesce(sum(n_rule_segments * (n_rule_segments - 1) / 2), 0) as n_expected,
        (
            select coalesce(sum(rule_overlaps.n_shared_customers), 0)
            from rule_overlaps
        ) as n_found
    from primary_segments
),

final as (
    select
        coalesce(sizes.segment, members.segment) as segment,
        coalesce(members.n_members, 0) as n_expected,
        coalesce(sizes.n_customers, 0) as n_found
    from sizes
    full outer join members
        on sizes.segment = members.segment
    where coalesce(members.n_members, 0) <> coalesce(sizes.n_customers, 0)
    union all
    select
        'pairs' as segment,
        n_expected,
        n_found
    from pairs
    where n_expected <> n_found
)

select * from final
