with

source as (
    select * from {{ source('shopify', 'customers') }}
    where {{ source_is_on('shopify') }}
),

{% set calling_code = source_setting('source_calling_codes', 'shopify') -%}
typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id(json_text('record', 'id')) }} as shopify_customer_id,
        {{ hash_key(['record']) }} as content_key,
        {{ clean_email(json_text('record', 'email')) }} as email,
        {{ clean_phone(json_text('record', 'phone'), calling_code) }} as phone,
        {{ clean_id(json_text('record', 'first_name')) }} as first_name,
        {{ clean_id(json_text('record', 'last_name')) }} as last_name,
        {{ clean_text(json_text('record', 'default_address.country_code')) }}
            as country_text,
        lower({{ json_text('record', 'email_marketing_consent.state') }})
            as consent_state,
        {{ parse_timestamp(
            json_text('record', 'email_marketing_consent.consent_updated_at'), 'UTC'
        ) }} as marketing_consented_at,
        {{ parse_timestamp(json_text('record', 'created_at'), 'UTC') }} as created_at,
        {{ clean_text(json_text('record', 'updated_at')) }} as updated_text,
        {{ parse_timestamp(json_text('record', 'updated_at'), 'UTC') }} as updated_at,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        shopify_customer_id,
        content_key,

        -- attributes
        'shopify' as source_name,
        email,
        phone,
        first_name,
        last_name,
        {{ country_code('country_text') }} as country_code,
        case consent_state
            when 'subscribed' then 'granted'
            when 'unsubscribed' then 'denied'
        end as marketing_consent,
        case
            when shopify_customer_id is null then 'missing_id'
            when updated_text is not null and updated_at is null
                then 'unparseable_timestamp'
            when
                updated_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
        end as reject_reason,

        -- times
        marketing_consented_at,
        created_at,
        coalesce(updated_at, created_at) as updated_at,
        loaded_at
    from typed
)

select * from final
