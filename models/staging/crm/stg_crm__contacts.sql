with

source as (
    select * from {{ source('crm', 'contacts') }}
    where {{ source_is_on('crm') }}
),

{% set time_zone = source_setting('source_time_zones', 'crm', 'UTC') -%}
{% set calling_code = source_setting('source_calling_codes', 'crm') -%}
typed as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_id('contact_id') }} as crm_contact_id,
        {{ clean_id('user_id') }} as user_id,
        {{ clean_id('loyalty_id') }} as loyalty_id,
        {{ hash_key([
            'contact_id', 'email', 'phone', 'first_name', 'last_name', 'birth_date',
            'gender', 'street_address', 'postcode', 'city', 'country', 'user_id',
            'loyalty_id', 'loyalty_tier', 'marketing_consent', 'marketing_consent_at',
            'updated_at',
        ]) }} as content_key,
        {{ clean_email('email') }} as email,
        {{ clean_phone('phone', calling_code) }} as phone,
        {{ clean_id('first_name') }} as first_name,
        {{ clean_id('last_name') }} as last_name,
        {{ dbt.safe_cast(clean_text('birth_date'), 'date') }} as birth_date,
        lower({{ clean_text('gender') }}) as gender,
        {{ clean_id('street_address') }} as street_address,
        upper({{ clean_text('postcode') }}) as postcode,
        {{ clean_id('city') }} as city,
        {{ clean_text('country') }} as country_text,
        {{ clean_text('loyalty_tier') }} as loyalty_tier,
        case
            when
                lower({{ clean_text('marketing_consent') }})
                in ('true', 'yes', 'y', '1')
                then 'granted'
            when
                lower({{ clean_text('marketing_consent') }})
                in ('false', 'no', 'n', '0')
                then 'denied'
        end as marketing_consent,
        {{ parse_timestamp('marketing_consent_at', time_zone) }}
            as marketing_consented_at,
        {{ clean_text('updated_at') }} is not null as has_updated_at,
        {{ parse_timestamp('updated_at', time_zone) }} as updated_at,
        _loaded_at as loaded_at
    from source
),

final as (
    select
        -- keys
        load_id,
        record_number,
        crm_contact_id,
        user_id,
        loyalty_id,
        content_key,

        -- attributes
        'crm' as source_name,
        email,
        phone,
        first_name,
        last_name,
        birth_date,
        gender,
        street_address,
        postcode,
        city,
        {{ country_code('country_text') }} as country_code,
        case when length(country_text) <> 2 then country_text end as country_name,
        loyalty_tier,
        marketing_consent,
        case
            when crm_contact_id is null then 'missing_id'
            when has_updated_at and updated_at is null then 'unparseable_timestamp'
            when
                updated_at > {{ dbt.dateadd(
                    'hour', var('future_tolerance_hours'), 'loaded_at'
                ) }}
                then 'future_timestamp'
        end as reject_reason,

        -- times
        marketing_consented_at,
        updated_at,
        loaded_at
    from typed
)

select * from final
