with

requests as (
    select * from {{ ref('stg_erasure__requests') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                request_id,
                identifier_type,
                identifier_value,
                case when reject_reason is null then 1 else 0 end
            order by requested_at, content_key, load_id, record_number
        ) as copy_number
    from requests
),

{% set id_types = [
    'user_id', 'anonymous_id', 'ga4_pseudo_id', 'shopify_customer_id', 'crm_contact_id',
    'loyalty_id',
] -%}
-- What names a person leaves as a key.
final as (
    select
        -- keys
        load_id,
        record_number,
        request_id,
        case identifier_type
            when 'email' then {{ identifier_key('email_hash', 'identifier_value') }}
            when 'phone' then {{ identifier_key('phone_hash', 'identifier_value') }}
            {% for id_type in id_types -%}
            when '{{ id_type }}'
                then {{ identifier_key(id_type, pseudonymous_id('identifier_value')) }}
            {% endfor %}
        end as identifier_key,
        content_key,

        -- attributes
        source_name,
        identifier_type,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        reject_reason,

        -- times
        requested_at
    from numbered
)

select * from final
