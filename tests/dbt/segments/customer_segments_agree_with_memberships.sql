{{ config(meta={'dagster': {'ref': {'name': 'customer_segments'}}}) }}

-- Guards that the snapshot's current rows are the memberships of the as-of date, but
-- for what was restated since that date was first run.
with

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

segment_memberships as (
    select * from {{ ref('segment_memberships') }}
),

segment_restatements as (
    select * from {{ ref('segment_restatements') }}
),

final as (
    select
        coalesce(
            segment_memberships.customer_id, customer_segments.customer_id
        ) as customer_id,
        coalesce(
            segment_memberships.segment_set, customer_segments.segment_set
        ) as segment_set,
        segment_memberships.segment as known_now_segment,
        customer_segments.segment as known_then_segment
    from segment_memberships
    full outer join customer_segments
        on
            segment_memberships.customer_id = customer_segments.customer_id
            and segment_memberships.segment_set = customer_segments.segment_set
    left join segment_restatements
        on
            segment_memberships.customer_id = segment_restatements.customer_id
            and segment_memberships.segment_set = segment_restatements.segment_set
    where
        segment_restatements.customer_id is null
        and coalesce(segment_memberships.segment, '')
        <> coalesce(customer_segments.segment, '')
)

select * from final
