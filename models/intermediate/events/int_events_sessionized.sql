{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='device_key',
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id not in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status = 'loaded'
        )",
    )
}}

-- Duplicates and withheld events stay in their device's stream, outside every session:
-- a device whose only event turns into one still has a row, replacing its old ones.
with

readable_events as (
    select * from {{ ref('int_events_classified') }}
    where record_status <> 'rejected'
),

{% if is_incremental() -%}
loads as (
    select * from {{ ref('stg_landing__loads') }}
    where load_status = 'loaded'
),

touched_devices as (
    select device_key
    from readable_events
    where
        classified_at_load_id
        > (select coalesce(max(classified_at_load_id), 0) from {{ this }})
    union distinct
    select device_key
    from {{ this }}
    where load_id not in (select load_id from loads)
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
        count(user_key) over stream as user_run
    from events
    window stream as (
        partition by device_key, record_status
        order by occurred_at, event_key, load_id, record_number
        rows between unbounded preceding and current row
    )
),

-- The last user known at each event: one user opens every run.
recognised as (
    select
        *,
        max(user_key) over (
            partition by device_key, record_status, user_run
        ) as known_user_key
    from ordered
),

bounded as (
    select
        *,
        lag(known_user_key) over (
            partition by device_key, record_status
            order by occurred_at, event_key, load_id, record_number
        ) as previous_user_key
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
            when user_key <> previous_user_key then 1
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
        user_key,
        known_user_key,
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
        classified_at_load_id,

        -- times
        occurred_at,
        received_at
    from opened
)

select * from final
