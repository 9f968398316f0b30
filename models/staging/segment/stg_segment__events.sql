{% set columns = [
    'message_id', 'anonymous_id', 'user_id', 'previous_id', 'type', 'event', 'name',
    'timestamp', 'original_timestamp', 'received_at', 'traits_email', 'traits_phone',
    'context_traits_email', 'context_traits_phone', 'context_user_agent',
    'context_device_type', 'context_location_country', 'context_page_path',
    'context_page_referrer', 'context_campaign_source', 'context_campaign_medium',
    'context_campaign_name', 'context_consent_category_preferences',
    'properties_product_id', 'properties_order_id', 'properties_category',
    'properties_currency', 'properties_quantity', 'properties_price',
    'properties_revenue', 'properties_total',
] -%}
with

source as (
    select * from {{ source('segment', 'events') }}
    where {{ source_is_on('segment') }}
),

{% set time_zone = source_setting('source_time_zones', 'segment') -%}
{% set calling_code = source_setting('source_calling_codes', 'segment') -%}
{% set categories = 'context_consent_category_preferences' -%}
extracted as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id('message_id') }} as message_id,
        {{ clean_id('anonymous_id') }} as anonymous_id,
        {{ clean_id('user_id') }} as user_id,
        {{ clean_id('previous_id') }} as previous_id,
        coalesce(
            {{ clean_email('traits_email') }},
            {{ clean_email('context_traits_email') }}
        ) as email,
        coalesce(
            {{ clean_phone('traits_phone', calling_code) }},
            {{ clean_phone('context_traits_phone', calling_code) }}
        ) as phone,
        {{ clean_id('properties_product_id') }} as product_id,
        {{ clean_id('properties_order_id') }} as order_id,
        {{ content_key(columns) }} as content_key,
        lower({{ clean_text('type') }}) as event_type,
        {{ clean_text('event') }} as track_name,
        {{ clean_text('name') }} as page_name,
        {{ clean_text('context_user_agent') }} as user_agent,
        lower({{ clean_text('context_device_type') }}) as device_type,
        {{ clean_text('context_location_country') }} as country_text,
        {{ clean_text(dbt.split_part('context_page_path', "'?'", 1)) }}
            as page_path,
        {{ clean_text(dbt.split_part('context_page_referrer', "'?'", 1)) }}
            as page_referrer,
        lower({{ clean_text('context_campaign_source') }}) as campaign_source,
        lower({{ clean_text('context_campaign_medium') }}) as campaign_medium,
        {{ clean_text('context_campaign_name') }} as campaign_name,
        {{ clean_text('properties_category') }} as category,
        upper({{ clean_text('properties_currency') }}) as currency_code,
        {{ consent_status(categories, 'analytics') }} as analytics_consent,
        {{ consent_status(categories, 'personalization') }} as personalization_consent,
        {{ consent_status(categories, 'advertising') }} as advertising_consent,
        properties_quantity as quantity_text,
        properties_price as price_text,
        coalesce(properties_revenue, properties_total) as revenue_text,
        coalesce(
            {{ clean_text('timestamp') }},
            {{ clean_text('original_timestamp') }}
        ) as occurred_text,
        received_at as received_text,
        _loaded_at as loaded_at
    from source
),

typed as (
    select
        *,
        {{ dbt.safe_cast('quantity_text', type_amount()) }} as quantity,
        {{ dbt.safe_cast('price_text', type_amount()) }} as price_amount,
        {{ dbt.safe_cast('revenue_text', type_amount()) }} as revenue_amount,
        {{ parse_timestamp('occurred_text', time_zone) }} as occurred_at,
        {{ parse_timestamp('received_text', time_zone) }} as received_at
    from extracted
),

final as (
    select
        -- keys
        load_id,
        record_number,
        message_id,
        anonymous_id,
        user_id,
        previous_id,
        email,
        phone,
        product_id,
        order_id,
        content_key,

        -- attributes
        'segment' as source_name,
        event_type,
        case event_type
            when 'track' then track_name
            else coalesce(page_name, event_type)
        end as event_name,
        user_agent,
        device_type,
        {{ country_code('country_text') }} as country_code,
        case when length(country_text) <> 2 then country_text end as country_name,
        page_path,
        page_referrer,
        campaign_source,
        campaign_medium,
        campaign_name,
        category,
        currency_code,
        analytics_consent,
        personalization_consent,
        advertising_consent,
        case
            when message_id is null then 'missing_id'
            when anonymous_id is null and user_id is null then 'missing_identity'
            when occurred_at is null then 'unparseable_timestamp'
            when
                occurred_at > {{ dbt.dateadd(
                    'hour',
                    var('future_tolerance_hours'),
                    'coalesce(received_at, loaded_at)'
                ) }}
                then 'future_timestamp'
            when
                coalesce(event_type, '') not in (
                    'track', 'page', 'screen', 'identify', 'alias', 'group'
                )
                then 'unknown_type'
            when event_type = 'track' and track_name is null then 'missing_event_name'
        end as reject_reason,

        -- measures
        quantity,
        price_amount,
        revenue_amount,

        -- times
        occurred_at,
        received_at,
        loaded_at
    from typed
)

select * from final
