{{ config(meta={'dagster': {'ref': {'name': 'customer_segments'}}}) }}

-- Guards that the snapshot's current rows are the memberships of the as-of date, but
-- for what was restated since that date was first run: every segment has the same
-- members in both, each once by their keys.
with

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

segment_memberships as (
    select * from {{ ref('segment_memberships') }}
),

segment_restatements as (
    select
        customer_id,
        segment_set
    from {{ ref('segment_restatements') }}
),

members_now as (
    select
        segment_memberships.segment_set,
        segment_memberships.segment,
        count(*) as n_members,
        {{ checksum('segment_memberships.customer_id') }} as members
    from segment_memberships
    left join segment_restatements
        on
            segment_memberships.customer_id = segment_restatements.customer_id
            and segment_memberships.segment_set = segment_restatements.segment_set
    where segment_restatements.customer_id is null
    group by segment_memberships.segment_set, segment_memberships.segment
),

members_then as (
    select
        customer_segments.segment_set,
        customer_segments.segment,
        count(*) as n_members,
        {{ checksum('customer_segments.customer_id') }} as members
    from customer_segments
    left join segment_restatements
        on
            customer_segments.customer_id = segment_restatements.customer_id
            and customer_segments.segment_set = segment_restatements.segment_set
    where segment_restatements.customer_id is null
    group by customer_segments.segment_set, customer_segments.segment
),

final as (
    select
        coalesce(members_now.segment_set, members_then.segment_set) as segment_set,
        coalesce(members_now.segment, members_then.segment) as segment,
        members_now.n_members as n_members_now,
        members_then.n_members as n_members_then
    from members_now
    full outer join members_then
        on
            members_now.segment_set = members_then.segment_set
            and members_now.segment = members_then.segment
    where
        members_now.segment is null
        or members_then.segment is null
        or members_now.n_members <> members_then.n_members
        or members_now.members <> members_then.members
)

select * from final
