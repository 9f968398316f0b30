{{ config(meta={'dagster': {'ref': {'name': 'fct_sessions'}}}) }}

-- Guards sessions against their events: each counts as many as point to it, begins
-- with the first, ends with the last and pauses at most for the timeout in between;
-- every event is in a session.
with

events as (
    select * from {{ ref('fct_events') }}
    where {{ changed_rows(
        'sessionized_at_load_id', 'session_key', ref('int_events_sessionized')
    ) }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
    where {{ changed_rows(
        'sessionized_at_load_id', 'session_key', ref('int_events_sessionized')
    ) }}
),

followed as (
    select
        session_key,
        occurred_at,
        lag(occurred_at) over (
            partition by session_key
            order by occurred_at, event_key
        ) as previous_occurred_at
    from events
),

events_per_session as (
    select
        session_key,
        count(*) as n_events,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        max(
            case
                when
                    occurred_at > {{ dbt.dateadd(
                        'minute', var('session_timeout_minutes'), 'previous_occurred_at'
                    ) }}
                    then 1
                else 0
            end
        ) as has_long_pause
    from followed
    group by session_key
),

final as (
    select
        sessions.session_key,
        events_per_session.session_key as events_session_key
    from sessions
    full outer join events_per_session
        on sessions.session_key = events_per_session.session_key
    where
        sessions.session_key is null
        or events_per_session.session_key is null
        or sessions.n_events <> events_per_session.n_events
        or sessions.started_at <> events_per_session.started_at
        or sessions.ended_at <> events_per_session.ended_at
        or events_per_session.has_long_pause = 1
)

select * from final
