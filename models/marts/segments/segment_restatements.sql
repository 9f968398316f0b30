-- The snapshot keeps what was known then. Where the same as-of date was built again
-- over other records, what it says now differs from what was kept.
with

history as {{ not_materialized() }} (
    select * from {{ ref('snap_segment_memberships') }}
    where
        dbt_valid_from <= {{ as_of_date() }}
        and (dbt_valid_to is null or dbt_valid_to > {{ as_of_date() }})
),

segment_memberships as {{ not_materialized() }} (
    select * from {{ ref('segment_memberships') }}
),

changes as (
    {{ membership_changes('segment_memberships', 'history') }}
),

final as (
    select
        -- keys
        {{ hash_key(['customer_id', 'segment_set']) }} as membership_key,
        {{ as_of_date() }} as as_of_date,
        customer_id,

        -- attributes
        segment_set,
        known_segment as known_then_segment,
        segment as known_now_segment
    from changes
)

select * from final
