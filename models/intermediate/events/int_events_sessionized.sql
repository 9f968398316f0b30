{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'record_number'],
        on_schema_change='fail',
        post_hook="delete from {{ this }} where load_id in (
            select load_id from {{ ref('stg_landing__loads') }}
            where load_status <> 'loaded'
        )",
    )
}}

{#- What sessions count, as flags: short enough to be sorted along. -#}
{% set counted_flags = [
    'is_page_view', 'is_product_view', 'is_product_added', 'is_checkout_started',
    'is_order_completed',
] -%}
-- Narrow, since it is sorted: what an event says stays in `int_events_classified`.
-- Duplicates and withheld events lie outside every session; they have a row so that one
-- that was accepted before loses its session.
with

readable_events as {{ not_materialized() }} (
    select
        load_id,
        record_number,
        event_key,
        device_key,
        user_key,
        record_status,
        classified_at_load_id,
        case when campaign_source is not null then 1 else 0 end as has_campaign,
        coalesce(event_type in ('page', 'screen'), false) as is_page_view,
        coalesce(event_name = 'Product Viewed', false) as is_product_view,
        coalesce(event_name = 'Product Added', false) as is_product_added,
        coalesce(event_name = 'Checkout Started', false) as is_checkout_started,
        coalesce(event_name = 'Order Completed', false) as is_order_completed,
        occurred_at
    from {{ ref('int_events_classified') }}
    where record_status <> 'rejected'
),

newest_classification as (
    select max(classified_at_load_id) as load_id
    from {{ ref('int_events_classified') }}
),

{% if is_incremental() -%}
gone_loads as (
    select load_id from {{ ref('stg_landing__loads') }}
    where load_status <> 'loaded'
),

changes as (
    select
        device_key,
        occurred_at
    from readable_events
    where
        classified_at_load_id
        > (select coalesce(max(sessionized_at_load_id), 0) from {{ this }})
    union all
    select
        device_key,
        occurred_at
    from {{ this }}
    where load_id in (select gone_loads.load_id from gone_loads)
),

touched_devices as {{ materialized() }} (
    select
        device_key,
        min(occurred_at) as changed_since
    from changes
    group by device_key
),

-- A session that began before a change begins there still, and has its number.
earlier_sessions as (
    select
        sessionized.device_key,
        sessionized.session_key,
        sessionized.session_number,
        max(touched_devices.changed_since) as changed_since,
        max(
            case
                when sessionized.event_key = sessionized.session_key
                    then sessionized.known_user_key
            end
        ) as first_user_key,
        max(sessionized.known_user_key) as last_user_key,
        min(sessionized.occurred_at) as started_at,
        max(sessionized.occurred_at) as ended_at
    from {{ this }} as sessionized
    inner join touched_devices
        on
            sessionized.device_key = touched_devices.device_key
            and sessionized.occurred_at < touched_devices.changed_since
    where sessionized.session_key is not null
    group by
        sessionized.device_key, sessionized.session_key, sessionized.session_number
),

last_sessions as (
    select
        *,
        changed_since > {{ dbt.dateadd(
            'minute', var('session_timeout_minutes'), 'ended_at'
        ) }} as is_over,
        row_number() over (
            partition by device_key
            order by session_number desc
        ) as sessions_ago
    from earlier_sessions
),

-- Where each touched device is taken up again: at its last session where a change may
-- go on with that, else at the change. So as few events are read as late ones let it.
resumed_devices as {{ materialized() }} (
    select
        touched_devices.device_key,
        case when not last_sessions.is_over then last_sessions.session_key end
            as first_event_key,
        case
            when last_sessions.is_over then last_sessions.last_user_key
            else last_sessions.first_user_key
        end as known_user_key,
        case
            when last_sessions.is_over then last_sessions.session_number
            else coalesce(last_sessions.session_number, 1) - 1
        end as n_sessions_before,
        case
            when last_sessions.is_over then touched_devices.changed_since
            else coalesce(last_sessions.started_at, touched_devices.changed_since)
        end as resumed_at
    from touched_devices
    left join last_sessions
        on
            touched_devices.device_key = last_sessions.device_key
            and last_sessions.sessions_ago = 1
),

touched_events as {{ not_materialized() }} (
    select * from readable_events
    where
        device_key in ({{ few_values('resumed_devices', 'device_key') }})
        and occurred_at
        >= (select min(resumed_devices.resumed_at) from resumed_devices)
),

{% else -%}
touched_events as {{ not_materialized() }} (
    select * from readable_events
),

{% endif -%}
events as {{ not_materialized() }} (
    select
        touched_events.*,
        {% if is_incremental() -%}
        resumed_devices.known_user_key as earlier_user_key,
        resumed_devices.n_sessions_before
        {%- else -%}
        cast(null as {{ type_compact_key() }}) as earlier_user_key,
        0 as n_sessions_before
        {%- endif %}
    from touched_events
    {% if is_incremental() -%}
        inner join resumed_devices
            on
                touched_events.device_key = resumed_devices.device_key
                and touched_events.occurred_at >= resumed_devices.resumed_at
                and (
                    touched_events.occurred_at > resumed_devices.resumed_at
                    or resumed_devices.first_event_key is null
                    or touched_events.event_key >= resumed_devices.first_event_key
                )
    {%- endif %}
),

ordered as (
    select
        load_id,
        record_number,
        event_key,
        device_key,
        user_key,
        {{ counted_flags | join(', ') }},
        has_campaign,
        n_sessions_before,
        occurred_at,
        lag(occurred_at) over stream as previous_occurred_at,
        sum(has_campaign) over stream as n_campaigns,
        coalesce({{ last_known('user_key') }} over stream, earlier_user_key)
            as known_user_key,
        coalesce(
            {{ last_known('user_key') }} over (
                partition by device_key
                order by occurred_at, event_key
                rows between unbounded preceding and 1 preceding
            ),
            earlier_user_key
        ) as previous_user_key
    from events
    where record_status = 'accepted'
    window stream as (
        partition by device_key
        order by occurred_at, event_key
        rows between unbounded preceding and current row
    )
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
    from ordered
),

-- What was so at the start of the session holds until the next start.
numbered as (
    select
        load_id,
        record_number,
        event_key,
        device_key,
        known_user_key,
        {{ counted_flags | join(', ') }},
        has_campaign,
        n_campaigns,
        occurred_at,
        n_sessions_before + sum(session_start) over stream as session_number,
        {{ last_known('case when session_start = 1 then event_key end') }} over stream
            as session_key,
        {{ last_known(
            'case when session_start = 1 then n_campaigns - has_campaign end'
        ) }} over stream as n_campaigns_before
    from flagged
    window stream as (
        partition by device_key
        order by occurred_at, event_key
        rows between unbounded preceding and current row
    )
),

combined as (
    select
        load_id,
        record_number,
        event_key,
        device_key,
        session_key,
        known_user_key,
        'accepted' as record_status,
        session_number,
        {{ counted_flags | join(', ') }},
        has_campaign = 1 and n_campaigns - n_campaigns_before = 1
            as is_campaign_start,
        occurred_at
    from numbered
    union all
    select
        load_id,
        record_number,
        event_key,
        device_key,
        cast(null as {{ type_compact_key() }}) as session_key,
        cast(null as {{ type_compact_key() }}) as known_user_key,
        record_status,
        cast(null as {{ dbt.type_bigint() }}) as session_number,
        {{ counted_flags | join(', ') }},
        false as is_campaign_start,
        occurred_at
    from events
    where record_status <> 'accepted'
),

final as (
    select
        -- keys
        load_id,
        record_number,
        event_key,
        device_key,
        session_key,
        known_user_key,

        -- attributes
        record_status,

        -- measures
        cast(session_number as {{ dbt.type_bigint() }}) as session_number,
        -- What reads this in slices starts from the newest load when a row was written.
        (select newest_classification.load_id from newest_classification)
            as sessionized_at_load_id,

        -- flags
        {{ counted_flags | join(', ') }},
        is_campaign_start,

        -- times
        occurred_at
    from combined
)

select * from final
