with

source as (
    select * from {{ source('pos', 'order_lines') }}
    where {{ source_is_on('pos') }}
),

final as (
    select
        _load_id as load_id,
        _record_number as record_number,
        {{ clean_text('currency_code') }} is null as is_currency_code_missing,
        {{ clean_text('line_status') }} is null as is_line_status_missing,
        {{ clean_text('discount_amount') }} is null as is_discount_amount_missing,
        {{ clean_text('tax_amount') }} is null as is_tax_amount_missing
    from source
)

select * from final
