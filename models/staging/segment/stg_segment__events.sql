{% set paths = [
    'messageId', 'anonymousId', 'userId', 'previousId', 'traits.email',
    'context.traits.email', 'traits.phone', 'context.traits.phone',
    'properties.product_id', 'properties.order_id', 'type', 'event', 'name',
    'context.userAgent', 'context.device.type', 'context.location.country',
    'context.page.path', 'context.page.referrer', 'context.campaign.source',
    'context.campaign.medium', 'context.campaign.name', 'properties.category',
    'properties.currency', 'properties.quantity', 'properties.price',
    'properties.revenue', 'properties.total', 'timestamp', 'originalTimestamp',
    'receivedAt', 'context.consent.categoryPreferences',
] -%}
with

source as (
    select * from {{ source('segment', 'events') }}
    where {{ source_is_on('segment') }}
),

parsed as (
    select
        *,
        {{ json_fields('record', paths) }} as texts
    from source
),

{% set time_zone = source_setting('source_time_zones', 'segment') -%}
{% set calling_code = source_setting('source_calling_codes', 'segment') -%}
{% set categories = json_field(
    'texts', paths, 'context.consent.categoryPreferences'
) -%}
extracted as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id(json_field('texts', paths, 'messageId')) }} as message_id,
        {{ clean_id(json_field('texts', paths, 'anonymousId')) }} as anonymous_id,
        {{ clean_id(json_field('texts', paths, 'userId')) }} as user_id,
        {{ clean_id(json_field('texts', paths, 'previousId')) }} as previous_id,
        coalesce(
            {{ clean_email(json_field('texts', paths, 'traits.email')) }},
            {{ clean_email(json_field('texts', paths, 'context.traits.email')) }}
        ) as email,
        coalesce(
            {{ clean_phone(
                json_field('texts', paths, 'traits.phone'), calling_code
            ) }},
            {{ clean_phone(
                json_field('texts', paths, 'context.traits.phone'), calling_code
            ) }}
        ) as phone,
        {{ clean_id(json_field('texts', paths, 'properties.product_id')) }}
            as product_id,
        {{ clean_id(json_field('texts', paths, 'properties.order_id')) }} as order_id,
        {{ hash_key(['record']) }} as content_key,
        lower({{ clean_text(json_field('texts', paths, 'type')) }}) as event_type,
        {{ clean_text(json_field('texts', paths, 'event')) }} as track_name,
        {{ clean_text(json_field('texts', paths, 'name')) }} as page_name,
        {{ clean_text(json_field('texts', paths, 'context.userAgent')) }}
            as user_agent,
        lower({{ clean_text(json_field('texts', paths, 'context.device.type')) }})
            as device_type,
        {{ clean_text(json_field('texts', paths, 'context.location.country')) }}
            as country_text,
        {{ clean_text(dbt.split_part(
            json_field('texts', paths, 'context.page.path'), "'?'", 1
        )) }} as page_path,
        {{ clean_text(dbt.split_part(
            json_field('texts', paths, 'context.page.referrer'), "'?'", 1
        )) }} as page_referrer,
        lower({{ clean_text(json_field('texts', paths, 'context.campaign.source')) }})
            as campaign_source,
        lower({{ clean_text(json_field('texts', paths, 'context.campaign.medium')) }})
            as campaign_medium,
        {{ clean_text(json_field('texts', paths, 'context.campaign.name')) }}
            as campaign_name,
        {{ clean_text(json_field('texts', paths, 'properties.category')) }}
            as category,
        upper({{ clean_text(json_field('texts', paths, 'properties.currency')) }})
            as currency_code,
        {{ consent_status(categories, 'analytics') }} as analytics_consent,
        {{ consent_status(categories, 'personalization') }}
            as personalization_consent,
        {{ consent_status(categories, 'advertising') }}
            as advertising_consent,
        {{ json_field('texts', paths, 'properties.quantity') }} as quantity_text,
        {{ json_field('texts', paths, 'properties.price') }} as price_text,
        coalesce(
            {{ json_field('texts', paths, 'properties.revenue') }},
            {{ json_field('texts', paths, 'properties.total') }}
        ) as revenue_text,
        coalesce(
            {{ clean_text(json_field('texts', paths, 'timestamp')) }},
            {{ clean_text(json_field('texts', paths, 'originalTimestamp')) }}
        ) as occurred_text,
        {{ clean_text(json_field('texts', paths, 'receivedAt')) }} as received_text,
        _loaded_at as loaded_at
    from parsed
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
