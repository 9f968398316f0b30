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
        -- keys
        _load_id as load_id,
        _record_number as record_number,
        cast(element_number as bigint) as line_number,
        {{ clean_id(json_text('record', 'id')) }} as order_id,
        {{ clean_id(json_text('element', 'id')) }} as line_id,
        coalesce(
            {{ clean_id(json_text('element', 'sku')) }},
            {{ clean_id(json_text('element', 'variant_id')) }},
            {{ clean_id(json_text('element', 'product_id')) }}
        ) as product_id,

        -- attributes
        {{ clean_text(json_text('element', 'title')) }} as product_name,

        -- measures
        {{ dbt.safe_cast(json_text('element', 'quantity'), type_amount()) }}
            as quantity,
        {{ dbt.safe_cast(json_text('element', 'price'), type_amount()) }} as unit_price,
        {{ dbt.safe_cast(json_text('element', 'total_discount'), type_amount()) }}
            as discount_amount,
        {{ json_sum('element', 'tax_lines[*].price') }} as tax_amount
    from unnested
)

select * from final
