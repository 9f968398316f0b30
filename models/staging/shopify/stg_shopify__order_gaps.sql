with

source as (
    select * from {{ source('shopify', 'orders') }}
    where {{ source_is_on('shopify') }}
),

final as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_text(json_text('record', 'currency')) }} is null
            as is_currency_code_missing
    from source
)

select * from final
