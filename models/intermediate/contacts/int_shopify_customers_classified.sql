with

customers as (
    select * from {{ ref('stg_shopify__customers') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by
                shopify_customer_id,
                case when reject_reason is null then 1 else 0 end
            order by
                coalesce(updated_at, cast('1970-01-01' as timestamp)) desc,
                content_key asc,
                load_id asc,
                record_number asc
        ) as version_number
    from customers
),

-- What names a person leaves as a key or as the shop's own id.
final as (
    select
        -- keys
        load_id,
        record_number,
        shopify_customer_id,
        {{ identifier_key('email_hash', 'email') }} as email_hash,
        {{ identifier_key('phone_hash', 'phone') }} as phone_hash,
        content_key,

        -- attributes
        source_name,
        case
            when reject_reason is not null then 'rejected'
            when version_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        reject_reason,
        country_code,
        marketing_consent,

        -- times
        marketing_consented_at,
        created_at,
        updated_at,
        loaded_at
    from numbered
)

select * from final
