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

known_then as (
    select * from history
    where customer_id in ({{ few_values('changes', 'customer_id') }})
),

final as (
    select
        -- keys
        {{ hash_key(['changes.customer_id', 'changes.segment_set']) }}
            as membership_key,
        {{ as_of_date() }} as as_of_date,
        changes.customer_id,

        -- attributes
        changes.segment_set,
        known_then.segment as known_then_segment,
        changes.segment as known_now_segment
    from changes
    left join known_then
        on
            changes.customer_id = known_then.customer_id
            and changes.segment_set = known_then.segment_set
)

select * from final
