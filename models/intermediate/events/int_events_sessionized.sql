{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='device_key',
        on_schema_change='fail',
    )
}}

-- Duplicates stay in their device's stream, outside every session: a device whose only
-- event turns into a duplicate still has a row, which replaces its old ones.
with

readable_events as (
    select * from {{ ref('int_events_classified') }}
    where record_status <> 'rejected'
),

{% if is_incremental() -%}
changed_events as (
    select event_key
    from readable_events
    where load_id > (select coalesce(max(load_id), 0) from {{ this }})
    group by event_key
),

touched_devices as (
    select readable_events.device_key
    from readable_events
    inner join changed_events
        on readable_events.event_key = changed_events.event_key
    group by readable_events.device_key
),

{% endif -%}
events as (
    select readable_events.*
    from readable_events
    {% if is_incremental() -%}
        inner join touched_devices
            on readable_events.device_key = touched_devices.device_key
    {%- endif %}
),

ordered as (
    select
        *,
        lag(occurred_at) over stream as previous_occurred_at,
        count(user_id) over stream as user_run
    from events
    window stream as (
        partition by device_key, record_status
        order by occurred_at, event_key, load_id, record_number
        rows between unbounded preceding and current row
    )
),

-- The last user known at each event: one user id opens every run.
recognised as (
    select
        *,
        max(user_id) over (
            partition by device_key, record_status, user_run
        ) as known_user_id
    from ordered
),

bounded as (
    select
        *,
        lag(known_user_id) over (
            partition by device_key, record_status
            order by occurred_at, event_key, load_id, record_number
        ) as previous_user_id
    from recognised
),

flagged as (
    select
        *,
        case
            when previous_occurred_at is null then 1
            when
                occurred_at > {{ dbt.dateadd(
                    'minute', var('session_timeout_minutes'), 'previous_occurred_at'
                ) }}
                then 1
            when user_id <> previous_user_id then 1
            else 0
        end as session_start
    from bounded
),

numbered as (
    select
        *,
        sum(session_start) over (
            partition by device_key, record_status
            order by occurred_at, event_key, load_id, record_number
            rows between unbounded preceding and current row
        ) as session_number
    from flagged
),

opened as (
    select
        *,
        first_value(event_key) over (
            partition by device_key, record_status, session_number
            order by occurred_at, event_key, load_id, record_number
            rows between unbounded preceding and current row
        ) as first_event_key
    from numbered
),

final as (
    select
        -- keys
        load_id,
        record_number,
        event_key,
        device_key,
        case
            when record_status = 'accepted'
                then {{ hash_key(['device_key', 'first_event_key']) }}
        end as session_key,
        message_id,
        anonymous_id,
        user_id,
        known_user_id,
        product_id,
        order_id,

        -- attributes
        source_name,
        record_status,
        event_type,
        event_name,
        device_type,
        page_path,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,
        category,
        currency_code,

        -- measures
        session_number,
        quantity,
        price_amount,
        revenue_amount,

        -- times
        occurred_at,
        received_at
    from opened
)

select * from final
