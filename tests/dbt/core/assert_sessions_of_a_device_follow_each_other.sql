{{ config(meta={'dagster': {'ref': {'name': 'fct_sessions'}}}) }}

-- Guards that no moment of a device is in two sessions: each begins when the one before
-- has ended, and their numbers have no gap.
with

sessions as (
    select * from {{ ref('fct_sessions') }}
    where {{ changed_rows(
        'sessionized_at_load_id', 'device_key', ref('int_events_sessionized')
    ) }}
),

followed as (
    select
        session_key,
        device_session_number,
        started_at,
        lag(device_session_number, 1, 0) over (
            partition by device_key
            order by device_session_number, session_key
        ) as previous_session_number,
        lag(ended_at) over (
            partition by device_key
            order by device_session_number, session_key
        ) as previous_ended_at
    from sessions
),

final as (
    select session_key
    from followed
    where
        started_at < previous_ended_at
        or device_session_number <> previous_session_number + 1
)

select * from final
