{{ config(meta={'dagster': {'ref': {'name': 'fct_sessions'}}}) }}

-- Guards sessions against their events: each counts as many as point to it, begins
-- with the first, ends with the last and pauses at most for the timeout in between;
-- every event is in a session.
with

events as (
    select * from {{ ref('int_events_sessionized') }}
    where
        record_status = 'accepted'
        and {{ changed_rows(
            'sessionized_at_load_id', 'session_key', ref('int_events_sessionized')
        ) }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
    where {{ changed_rows(
        'sessionized_at_load_id', 'session_key', ref('int_events_sessionized')
    ) }}
),

events_per_session as (
    select
        session_key,
        count(*) as n_events,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from events
    group by session_key
),

-- Only in a session that is longer than the timeout can there be a pause as long.
long_sessions as (
    select session_key
    from sessions
    where ended_at > {{ dbt.dateadd(
        'minute', var('session_timeout_minutes'), 'started_at'
    ) }}
),

followed as (
    select
        events.session_key,
        events.occurred_at,
        lag(events.occurred_at) over (
            partition by events.session_key
            order by events.occurred_at, events.event_key
        ) as previous_occurred_at
    from events
    inner join long_sessions
        on events.session_key = long_sessions.session_key
),

sessions_with_long_pause as (
    select session_key
    from followed
    where occurred_at > {{ dbt.dateadd(
        'minute', var('session_timeout_minutes'), 'previous_occurred_at'
    ) }}
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
    union all
    select
        session_key,
        session_key as events_session_key
    from sessions_with_long_pause
)

select * from final
