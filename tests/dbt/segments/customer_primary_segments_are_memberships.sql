{{ config(meta={'dagster': {'ref': {'name': 'customer_primary_segments'}}}) }}

-- Guards that a primary segment is one of the customer's rule segments, that nobody in
-- a rule segment has `none`, and that the rules counted are those of the memberships.
-- Every set of one segment is a rule's.
with

primary_segments as (
    select * from {{ ref('customer_primary_segments') }}
),

memberships as (
    select * from {{ ref('segment_assignments') }}
    where as_of_date = {{ as_of_date() }} and segment = segment_set
),

counted as (
    select
        primary_segments.customer_id,
        primary_segments.segment,
        primary_segments.n_rule_segments,
        count(memberships.segment) as n_memberships,
        max(
            case when memberships.segment = primary_segments.segment then 1 else 0 end
        ) as n_found
    from primary_segments
    left join memberships
        on primary_segments.customer_id = memberships.customer_id
    group by
        primary_segments.customer_id,
        primary_segments.segment,
        primary_segments.n_rule_segments
)

select * from counted
where
    n_rule_segments <> n_memberships
    or (segment = 'none' and n_memberships > 0)
    or (segment <> 'none' and n_found = 0)
