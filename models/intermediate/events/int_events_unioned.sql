{{ config(materialized='view') }}

-- A source of events joins here. What names a person leaves as a key or as the shop's
-- own id, and texts leave without the addresses and numbers that sites put into them.
{% set staged_columns = [
    'load_id', 'record_number', 'message_id', 'anonymous_id', 'user_id', 'previous_id',
    'email', 'phone', 'product_id', 'order_id', 'content_key', 'source_name',
    'event_type', 'event_name', 'user_agent', 'device_type', 'country_code',
    'country_name', 'page_path', 'page_referrer', 'campaign_source', 'campaign_medium',
    'campaign_name', 'category', 'currency_code', 'analytics_consent',
    'personalization_consent', 'advertising_consent', 'reject_reason', 'quantity',
    'price_amount', 'revenue_amount', 'occurred_at', 'received_at',
] -%}
with

segment_events as (
    select * from {{ ref('stg_segment__events') }}
),

ga4_events as (
    select * from {{ ref('stg_ga4__events') }}
),

countries as (
    select * from {{ ref('countries') }}
),

bot_user_agents as (
    select * from {{ ref('bot_user_agents') }}
),

landed_events as (
    select {{ staged_columns | join(', ') }}
    from segment_events
    union all
    select {{ staged_columns | join(', ') }}
    from ga4_events
),

bots as (
    select landed_events.user_agent
    from landed_events
    inner join bot_user_agents
        on
            lower(landed_events.user_agent)
            like '%' || bot_user_agents.user_agent_pattern || '%'
    group by landed_events.user_agent
),

final as (
    select
        -- keys
        landed_events.load_id,
        landed_events.record_number,
        {{ hash_key(['landed_events.source_name', 'landed_events.message_id']) }}
            as event_key,
        -- The device's stream; a user without a device is a stream of their own.
        coalesce(
            case landed_events.source_name
                when 'ga4'
                    then {{ identifier_key(
                        'ga4_pseudo_id', pseudonymous_id('landed_events.anonymous_id')
                    ) }}
                else {{ identifier_key(
                    'anonymous_id', pseudonymous_id('landed_events.anonymous_id')
                ) }}
            end,
            {{ identifier_key('user_id', pseudonymous_id('landed_events.user_id')) }}
        ) as device_key,
        {{ identifier_key('user_id', pseudonymous_id('landed_events.user_id')) }}
            as user_key,
        {{ mask_contacts('landed_events.message_id') }} as message_id,
        {{ pseudonymous_id('landed_events.anonymous_id') }} as anonymous_id,
        {{ pseudonymous_id('landed_events.user_id') }} as user_id,
        {{ pseudonymous_id('landed_events.previous_id') }} as previous_id,
        {{ identifier_key(
            'email_hash',
            'coalesce(landed_events.email, ' ~ clean_email('landed_events.user_id') ~ ')'
        ) }} as email_hash,
        {{ identifier_key('phone_hash', 'landed_events.phone') }} as phone_hash,
        {{ pseudonymous_id('landed_events.product_id') }} as product_id,
        {{ pseudonymous_id('landed_events.order_id') }} as order_id,
        landed_events.content_key,

        -- attributes
        landed_events.source_name,
        landed_events.event_type,
        {{ mask_contacts('landed_events.event_name') }} as event_name,
        {{ mask_contacts('landed_events.device_type') }} as device_type,
        coalesce(landed_events.country_code, countries.country_code) as country_code,
        {{ mask_contacts('landed_events.page_path') }} as page_path,
        {{ mask_contacts('landed_events.page_referrer') }} as page_referrer,
        {{ mask_contacts('landed_events.campaign_source') }} as campaign_source,
        {{ mask_contacts('landed_events.campaign_medium') }} as campaign_medium,
        {{ mask_contacts('landed_events.campaign_name') }} as campaign_name,
        {{ mask_contacts('landed_events.category') }} as category,
        {{ mask_contacts('landed_events.currency_code') }} as currency_code,
        landed_events.analytics_consent,
        landed_events.personalization_consent,
        landed_events.advertising_consent,
        case
            when landed_events.reject_reason is not null
                then landed_events.reject_reason
            when bots.user_agent is not null then 'bot'
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
        on landed_events.user_agent = bots.user_agent
    left join countries
        on lower(landed_events.country_name) = lower(countries.country_name)
)

select * from final
