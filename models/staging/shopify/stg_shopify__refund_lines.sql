with

source as (
    select * from {{ source('shopify', 'refunds') }}
    where {{ source_is_on('shopify') }}
),

unnested as (
    {{ json_elements('source', 'record', 'refund_line_items') }}
),

final as (
    select
        -- keys
        _load_id as load_id,
        _record_number as record_number,
        cast(element_number as bigint) as line_number,
        {{ clean_id(json_text('record', 'id')) }} as refund_id,
        {{ clean_id(json_text('element', 'id')) }} as refund_line_id,
        {{ clean_id(json_text('element', 'line_item_id')) }} as line_id,

        -- measures
        {{ dbt.safe_cast(json_text('element', 'quantity'), type_amount()) }}
            as quantity,
        {{ dbt.safe_cast(json_text('element', 'subtotal'), type_amount()) }} as amount,
        {{ dbt.safe_cast(json_text('element', 'total_tax'), type_amount()) }}
            as tax_amount
    from unnested
)

select * from final
