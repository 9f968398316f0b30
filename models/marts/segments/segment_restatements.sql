-- The snapshot keeps what was known then. Where the same as-of date was built again
-- over other records, what it says now differs from what was kept.
with

history as (
    select * from {{ ref('snap_segment_memberships') }}
    where
        dbt_valid_from <= {{ as_of_date() }}
        and (dbt_valid_to is null or dbt_valid_to > {{ as_of_date() }})
),

segment_memberships as (
    select * from {{ ref('segment_memberships') }}
),

final as (
    select
        -- keys
        segment_memberships.membership_key,
        segment_memberships.as_of_date,
        segment_memberships.customer_id,

        -- attributes
        segment_memberships.segment_set,
        history.segment as known_then_segment,
        segment_memberships.segment as known_now_segment
    from segment_memberships
    left join history
        on segment_memberships.membership_key = history.membership_key
    where segment_memberships.segment <> coalesce(history.segment, '')
)

select * from final
