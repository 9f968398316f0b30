-- The snapshot keeps what was known then. Where the same as-of date was built again
-- over other records, what it says now differs from what was kept. Built before the
-- snapshot, since afterwards nobody could tell a date's first run.
with

history as {{ not_materialized() }} (
    {{ membership_history() }}
),

segment_memberships as {{ not_materialized() }} (
    select * from {{ ref('segment_memberships') }}
),

restatements as (
    {{ membership_restatements('segment_memberships', 'history') }}
),

known_then as (
    select * from history
    where customer_id in ({{ few_values('restatements', 'customer_id') }})
),

final as (
    select
        -- keys
        {{ hash_key(['restatements.customer_id', 'restatements.segment_set']) }}
            as membership_key,
        {{ as_of_date() }} as as_of_date,
        restatements.customer_id,

        -- attributes
        restatements.segment_set,
        known_then.segment as known_then_segment,
        restatements.segment as known_now_segment
    from restatements
    left join known_then
        on
            restatements.customer_id = known_then.customer_id
            and restatements.segment_set = known_then.segment_set
)

select * from final
