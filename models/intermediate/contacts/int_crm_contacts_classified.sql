with

contacts as (
    select * from {{ ref('stg_crm__contacts') }}
),

countries as (
    select * from {{ ref('countries') }}
),

-- Every file is a full extract: the latest record of a contact wins.
numbered as (
    select
        *,
        row_number() over (
            partition by
                crm_contact_id,
                case when reject_reason is null then 1 else 0 end
            order by
                coalesce(updated_at, cast('1970-01-01' as timestamp)) desc,
                case when updated_at is null then load_id end desc,
                content_key asc,
                load_id asc,
                record_number asc
        ) as version_number
    from contacts
),

-- What names a person leaves as a key or as the shop's own id.
final as (
    select
        -- keys
        numbered.load_id,
        numbered.record_number,
        {{ pseudonymous_id('numbered.crm_contact_id') }} as crm_contact_id,
        {{ pseudonymous_id('numbered.user_id') }} as user_id,
        {{ pseudonymous_id('numbered.loyalty_id') }} as loyalty_id,
        {{ identifier_key('email_hash', 'numbered.email') }} as email_hash,
        {{ identifier_key('phone_hash', 'numbered.phone') }} as phone_hash,
        numbered.content_key,

        -- attributes
        numbered.source_name,
        case
            when numbered.reject_reason is not null then 'rejected'
            when numbered.version_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        numbered.reject_reason,
        {{ mask_contacts('numbered.gender') }} as gender,
        coalesce(numbered.country_code, countries.country_code) as country_code,
        {{ mask_contacts('numbered.loyalty_tier') }} as loyalty_tier,
        numbered.marketing_consent,

        -- times
        numbered.marketing_consented_at,
        numbered.updated_at,
        numbered.loaded_at
    from numbered
    left join countries
        on lower(numbered.country_name) = countries.country_name
)

select * from final
