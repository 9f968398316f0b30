{{ config(materialized='view') }}

-- A view: what an event says, its session and its customer are each kept once, and meet
-- where somebody looks.
with

events as (
    select * from {{ ref('int_events_classified') }}
    where record_status = 'accepted'
),

sessionized_events as (
    select * from {{ ref('int_events_sessionized') }}
    where record_status = 'accepted'
),

sessions as (
    select * from {{ ref('int_sessions') }}
),

final as (
    select
        -- keys
        events.event_key,
        sessionized_events.session_key,
        events.device_key,
        sessions.customer_id,
        events.product_id,
        events.order_id,

        -- attributes
        events.source_name,
        events.event_type,
        events.event_name,
        events.device_type,
        events.page_path,
        events.campaign_source,
        events.campaign_medium,
        events.campaign_name,
        events.category,
        events.currency_code,

        -- measures
        events.quantity,
        events.price_amount,
        events.revenue_amount,

        -- flags
        coalesce(
            events.received_at > {{ dbt.dateadd(
                'hour', var('late_event_hours'), 'events.occurred_at'
            ) }},
            false
        ) as is_late,

        -- times
        events.occurred_at,
        {{ to_business_date('events.occurred_at') }} as occurred_date,
        events.received_at
    from events
    inner join sessionized_events
        on events.event_key = sessionized_events.event_key
    inner join sessions
        on sessionized_events.session_key = sessions.session_key
)

select * from final
