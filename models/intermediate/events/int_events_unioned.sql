{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        schema='staging',
    )
}}

-- A source of events joins here. What names a person leaves as a key or as the shop's
-- own id, and texts leave without the addresses and numbers that sites put into them.
-- Kept, since reading and writing texts is most of what an event costs: each is read
-- and written once. In the schema of staging, since it holds what withheld events say;
-- `int_events_classified` shows what may be seen. `int_event_statuses` judges the
-- events, writes down here what it found, and takes away the rows of replaced files,
-- of which it has to see what they said.
{% set staged_columns = [
    'load_id', 'record_number', 'message_id', 'anonymous_id', 'user_id', 'previous_id',
    'email', 'phone', 'product_id', 'order_id', 'source_name', 'event_type',
    'event_name', 'user_agent', 'device_type', 'country_code',
    'country_name', 'page_path', 'page_referrer', 'campaign_source', 'campaign_medium',
    'campaign_name', 'category', 'currency_code', 'analytics_consent',
    'personalization_consent', 'advertising_consent', 'reject_reason', 'quantity',
    'price_amount', 'revenue_amount', 'occurred_at', 'received_at',
] -%}
-- depends_on: {{ ref('stg_landing__loads') }}
with

segment_events as {{ not_materialized() }} (
    select * from {{ ref('stg_segment__events') }}
    {% if is_incremental() -%}
        where load_id >= {{ first_new_load(
            ref('stg_segment__events'), this, ref('stg_landing__loads'),
            'segment', 'events'
        ) }}
    {%- endif %}
),

ga4_events as {{ not_materialized() }} (
    select * from {{ ref('stg_ga4__events') }}
    {% if is_incremental() -%}
        where load_id >= {{ first_new_load(
            ref('stg_ga4__events'), this, ref('stg_landing__loads'), 'ga4', 'events'
        ) }}
    {%- endif %}
),

countries as (
    select * from {{ ref('countries') }}
),

blocked_identifiers as (
    select * from {{ ref('blocked_identifiers') }}
),

bot_user_agents as (
    select * from {{ ref('bot_user_agents') }}
),

landed_events as {{ not_materialized() }} (
    select {{ staged_columns | join(', ') }}
    from segment_events
    union all
    select {{ staged_columns | join(', ') }}
    from ga4_events
),

{% if is_incremental() -%}
standing_loads as (
    select load_id
    from {{ this }}
    group by load_id
),

{% endif -%}
new_events as {{ not_materialized() }} (
    select * from landed_events
    {% if is_incremental() -%}
        where load_id not in (select standing_loads.load_id from standing_loads)
    {%- endif %}
),

user_agents as (
    select lower(user_agent) as user_agent
    from new_events
    group by lower(user_agent)
),

bots as (
    select user_agents.user_agent
    from user_agents
    inner join bot_user_agents
        on
            user_agents.user_agent
            like '%' || bot_user_agents.user_agent_pattern || '%'
    group by user_agents.user_agent
),

blocked_values as (
    select
        identifier_value,
        max(case when identifier_type in ('anonymous_id', 'any') then 1 else 0 end)
            as is_segment_device,
        max(case when identifier_type in ('ga4_pseudo_id', 'any') then 1 else 0 end)
            as is_ga4_device,
        max(case when identifier_type in ('user_id', 'any') then 1 else 0 end)
            as is_user
    from blocked_identifiers
    group by identifier_value
),

-- A value that anybody may have (`null`, `anonymous`) is no device and no user:
-- nobody's consent and no session passes over it.
named_events as (
    select
        new_events.*,
        {{ pseudonymous_id('new_events.anonymous_id') }} as pseudonymous_device_id,
        {{ pseudonymous_id('new_events.user_id') }} as pseudonymous_user_id,
        {{ pseudonymous_id('new_events.previous_id') }} as pseudonymous_previous_id,
        coalesce(
            new_events.email, {{ clean_email('new_events.user_id') }}
        ) as any_email,
        coalesce(
            case new_events.source_name
                when 'ga4' then blocked_devices.is_ga4_device
                else blocked_devices.is_segment_device
            end,
            0
        ) = 1 as is_device_blocked,
        coalesce(blocked_users.is_user, 0) = 1 as is_user_blocked
    from new_events
    left join blocked_values as blocked_devices
        on lower(new_events.anonymous_id) = blocked_devices.identifier_value
    left join blocked_values as blocked_users
        on lower(new_events.user_id) = blocked_users.identifier_value
),

known_events as (
    select
        *,
        case when not is_device_blocked then pseudonymous_device_id end
            as known_device_id,
        case when not is_user_blocked then pseudonymous_user_id end as known_user_id
    from named_events
),

-- A user without a device is a stream of their own; so is an event of nobody.
keyed_events as (
    select
        known_events.*,
        {{ compact_key("source_name || ':' || message_id") }} as event_key,
        {{ compact_key(
            salt() ~ " || coalesce("
            ~ "case source_name when 'ga4' then 'ga4_pseudo_id:' else 'anonymous_id:' end"
            ~ " || known_device_id, 'user_id:' || known_user_id,"
            ~ " 'event:' || source_name || ':' || message_id)"
        ) }} as device_key,
        {{ compact_identifier_key('user_id', 'known_user_id') }} as user_key,
        {{ identifier_key('email_hash', 'any_email') }} as email_hash,
        {{ identifier_key('phone_hash', 'phone') }} as phone_hash
    from known_events
),

final as (
    select
        -- keys
        keyed_events.load_id,
        keyed_events.record_number,
        keyed_events.event_key,
        keyed_events.device_key,
        keyed_events.user_key,
        keyed_events.pseudonymous_device_id as anonymous_id,
        keyed_events.pseudonymous_user_id as user_id,
        keyed_events.pseudonymous_previous_id as previous_id,
        keyed_events.email_hash,
        keyed_events.phone_hash,
        {{ pseudonymous_id('keyed_events.product_id') }} as product_id,
        {{ pseudonymous_id('keyed_events.order_id') }} as order_id,

        -- attributes
        keyed_events.source_name,
        keyed_events.event_type,
        {{ mask_contacts('keyed_events.event_name') }} as event_name,
        {{ mask_contacts('keyed_events.device_type') }} as device_type,
        coalesce(keyed_events.country_code, countries.country_code) as country_code,
        {{ mask_contacts('keyed_events.page_path') }} as page_path,
        {{ mask_contacts('keyed_events.page_referrer') }} as page_referrer,
        {{ mask_contacts('keyed_events.campaign_source') }} as campaign_source,
        {{ mask_contacts('keyed_events.campaign_medium') }} as campaign_medium,
        {{ mask_contacts('keyed_events.campaign_name') }} as campaign_name,
        {{ mask_contacts('keyed_events.category') }} as category,
        {{ mask_contacts('keyed_events.currency_code') }} as currency_code,
        keyed_events.analytics_consent,
        keyed_events.personalization_consent,
        keyed_events.advertising_consent,
        case
            when keyed_events.reject_reason is not null then keyed_events.reject_reason
            when bots.user_agent is not null then 'bot'
        end as reject_reason,

        -- measures
        keyed_events.quantity,
        keyed_events.price_amount,
        keyed_events.revenue_amount,
        -- As long as nobody has judged it.
        cast(1 as {{ dbt.type_bigint() }}) as copy_number,
        cast(null as {{ dbt.type_bigint() }}) as classified_at_load_id,

        -- flags
        false as is_withheld,

        -- times
        keyed_events.occurred_at,
        keyed_events.received_at
    from keyed_events
    left join bots
        on lower(keyed_events.user_agent) = bots.user_agent
    left join countries
        on lower(keyed_events.country_name) = lower(countries.country_name)
)

select * from final
