with

source as (
    select * from {{ source('shopify', 'orders') }}
    where {{ source_is_on('shopify') }}
),

unnested as (
    {{ json_elements('source', 'record', 'line_items') }}
),

final as (
    select
        _load_id as load_id,
        _record_number as record_number,
        cast(element_number as bigint) as line_number,
        {{ dbt.safe_cast(
            json_text('element', 'total_discount'), type_amount()
        ) }} is null as is_discount_amount_missing,
        {{ json_sum('element', 'tax_lines[*].price') }} is null as is_tax_amount_missing
    from unnested
)

select * from final
