with

source as (
    select * from {{ source('catalog', 'products') }}
    where {{ source_is_on('catalog') }}
),

final as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_text('currency_code') }} is null as is_currency_code_missing
    from source
)

select * from final
