with

source as (
    select * from {{ source('erasure', 'requests') }}
    where {{ source_is_on('erasure') }}
),

{% set time_zone = source_setting('source_time_zones', 'erasure', 'UTC') -%}
{% set calling_code = source_setting('source_calling_codes', 'erasure') -%}
typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id('request_id') }} as request_id,
        {{ hash_key([
            'request_id', 'identifier_type', 'identifier_value', 'requested_at',
        ]) }} as content_key,
        lower({{ clean_text('identifier_type') }}) as identifier_type,
        case lower({{ clean_text('identifier_type') }})
            when 'email' then {{ clean_email('identifier_value') }}
            when 'phone' then {{ clean_phone('identifier_value', calling_code) }}
            else {{ clean_id('identifier_value') }}
        end as identifier_value,
        {{ parse_timestamp('requested_at', time_zone) }} as requested_at,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        request_id,
        content_key,

        -- attributes
        'erasure' as source_name,
        identifier_type,
        identifier_value,
        case
            when request_id is null then 'missing_id'
            when
                coalesce(identifier_type, '') not in (
                    'email', 'phone', 'user_id', 'anonymous_id', 'ga4_pseudo_id',
                    'shopify_customer_id', 'crm_contact_id', 'loyalty_id'
                )
                then 'unknown_type'
            when identifier_value is null then 'missing_identity'
            when requested_at is null then 'unparseable_timestamp'
            when
                requested_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
        end as reject_reason,

        -- times
        requested_at,
        loaded_at
    from typed
)

select * from final
