with

attributes as (
    select * from {{ ref('stg_third_party__attributes') }}
),

identified as (
    select
        *,
        case
            when reject_reason is not null
                then {{ hash_key(['source_name', 'load_id', 'record_number']) }}
            else {{ hash_key([
                'source_name', 'customer_id', 'attribute_name', 'valid_from_date',
            ]) }}
        end as record_key
    from attributes
),

numbered as (
    select
        *,
        row_number() over (
            partition by record_key
            order by content_key, load_id, record_number
        ) as copy_number
    from identified
),

final as (
    select
        -- keys
        load_id,
        record_number,
        record_key,
        {{ pseudonymous_id('customer_id') }} as customer_id,
        content_key,

        -- attributes
        source_name,
        case
            when reject_reason is not null then 'rejected'
            when copy_number > 1 then 'duplicate'
            else 'accepted'
        end as record_status,
        reject_reason,
        {{ mask_contacts('attribute_name') }} as attribute_name,
        {{ mask_contacts('attribute_value') }} as attribute_value,

        -- times
        valid_from_date
    from numbered
)

select * from final
