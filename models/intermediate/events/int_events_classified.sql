{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['load_id', 'record_number'],
        on_schema_change='fail',
    )
}}

with

segment_events as (
    select * from {{ ref('stg_segment__events') }}
    {% if is_incremental() -%}
        where load_id > (select coalesce(max(load_id), 0) from {{ this }})
    {%- endif %}
),

bot_user_agents as (
    select * from {{ ref('bot_user_agents') }}
),

-- A new source of events joins here, with the columns of the first.
landed_events as (
    select * from segment_events
),

bots as (
    select
        landed_events.load_id,
        landed_events.record_number
    from landed_events
    inner join bot_user_agents
        on
            lower(landed_events.user_agent)
            like '%' || bot_user_agents.user_agent_pattern || '%'
    group by landed_events.load_id, landed_events.record_number
),

new_events as (
    select
        -- keys
        landed_events.load_id,
        landed_events.record_number,
        {{ hash_key(['landed_events.source_name', 'landed_events.message_id']) }}
            as event_key,
        {{ hash_key([
            'landed_events.source_name',
            "case when landed_events.anonymous_id is null then 'user' else 'device' end",
            'coalesce(landed_events.anonymous_id, landed_events.user_id)',
        ]) }} as device_key,
        landed_events.message_id,
        landed_events.anonymous_id,
        landed_events.user_id,
        landed_events.product_id,
        landed_events.order_id,
        landed_events.content_key,

        -- attributes
        landed_events.source_name,
        landed_events.event_type,
        landed_events.event_name,
        landed_events.device_type,
        landed_events.page_path,
        landed_events.page_referrer,
        landed_events.campaign_source,
        landed_events.campaign_medium,
        landed_events.campaign_name,
        landed_events.category,
        landed_events.currency_code,
        case
            when landed_events.reject_reason is not null
                then landed_events.reject_reason
            when bots.load_id is not null then 'bot'
        end as reject_reason,

        -- measures
        landed_events.quantity,
        landed_events.price_amount,
        landed_events.revenue_amount,

        -- times
        landed_events.occurred_at,
        landed_events.received_at
    from landed_events
    left join bots
        on
            landed_events.load_id = bots.load_id
            and landed_events.record_number = bots.record_number
),

-- Which copy of an event counts is settled among all its copies, whenever they landed.
copies as (
    select * from new_events
    {% if is_incremental() -%}
        union all
        select
            load_id,
            record_number,
            event_key,
            device_key,
            message_id,
            anonymous_id,
            user_id,
            product_id,
            order_id,
            content_key,
            source_name,
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
            reject_reason,
            quantity,
            price_amount,
            revenue_amount,
            occurred_at,
            received_at
        from {{ this }}
        where
            record_status <> 'rejected'
            and event_key in (
                select new_events.event_key from new_events
                where new_events.reject_reason is null
            )
    {%- endif %}
),

numbered as (
    select
        *,
        row_number() over (
            partition by event_key, case when reject_reason is null then 1 else 0 end
            order by
                coalesce(received_at, cast('9999-12-31' as timestamp)),
                content_key,
                load_id,
                record_number
        ) as copy_number
    from copies
),

final as (
    select
        *,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status
    from numbered
)

select * from final
